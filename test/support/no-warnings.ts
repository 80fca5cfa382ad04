import { afterEach, vi } from 'vitest';

/** XState's development build, which vitest loads, only warns of misuse: here a warning fails the test. */
const warnings: string[] = [];
for (const method of ['warn', 'error'] as const) {
  vi.spyOn(console, method).mockImplementation((...words) => {
    warnings.push(words.map(String).join(' '));
  });
}

afterEach(() => {
  const heard = warnings.splice(0);
  if (heard.length > 0) throw new Error(`Warnings on the console:\n${heard.join('\n')}`);
});
