import { afterEach, vi } from 'vitest';

/** XState's development build, which vitest loads, only warns of misuse: here a warning fails the test. */
const warnings: string[] = [];
for (const method of ['warn', 'error'] as const) {
  vi.spyOn(console, method).mockImplementation((...words) => {
    warnings.push(words.map(String).join(' '));
  });
}

/** For a test that breaks a machine on purpose: what XState says of that is no failure. */
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
