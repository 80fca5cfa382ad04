import { expect, it } from 'vitest';
import { faults, lawBrokenBy } from './plant-faults.ts';

it.each(faults)('the proof of $breaks finds machines where it $name', async (fault) => {
  expect(await lawBrokenBy(fault)).not.toBeNull();
});
