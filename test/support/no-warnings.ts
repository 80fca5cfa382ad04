import { afterEach, vi } from 'vitest';

/** XState's development build, which vitest loads, only warns of misuse. Here a warning fails the test. */
const warnings: string[] = [];
for (const method of ['warn', 'error'] as const) {
  vi.spyOn(console, method).mockImplementation((...words) => {
    warnings.push(words.map(String).join(' '));
  });
}

/** Call it in a test that breaks a machine on purpose: the warnings of XState then do not fail the test. */
export function forgiveWarnings(): void {
  isForgiving = true;
}

let isForgiving = false;

afterEach(() => {
  const heard = warnings.splice(0);
  const isForgiven = isForgiving;
  isForgiving = false;
  if (heard.length > 0 && !isForgiven)
    throw new Error(`Warnings on the console:\n${heard.join('\n')}`);
});
