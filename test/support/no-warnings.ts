import { afterEach, expect, vi } from 'vitest';

/** XState's development build, which vitest loads, only warns of misuse: here a warning fails the test. */
const warnings: string[] = [];
for (const method of ['warn', 'error'] as const) {
  vi.spyOn(console, method).mockImplementation((...words) => {
    warnings.push(words.map(String).join(' '));
  });
}

afterEach(() => {
  expect(warnings.splice(0)).toEqual([]);
});
