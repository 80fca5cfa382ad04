import { afterAll, expect, it } from 'vitest';
import { changeFaults } from './change-faults.ts';
import { phaseFaults } from './phase-faults.ts';
import { find, type Fault } from './plant-faults.ts';

const found: string[] = [];

afterAll(() => console.log([`${found.length} planted faults are found`, ...found].join('\n')));

function keep({ name, breaks }: Fault, law: string | null, boot: number | null): void {
  const [text = ''] = law?.split('\n') ?? [];
  const inBoot = boot === null ? '' : `, and by random boot ${boot}`;
  found.push(`- ${name}: by ${breaks}${inBoot}. ${text}`);
}

it.each(phaseFaults)('the proof of $breaks finds machines where it $name', async (fault) => {
  const { law, boot } = await find(fault);
  expect(law).not.toBeNull();
  keep(fault, law, boot);
});

it.each(changeFaults)(
  'the proof of $breaks, and a random boot, find machines where it $name',
  async (fault) => {
    const { law, boot } = await find(fault);
    expect(law).not.toBeNull();
    expect(boot).not.toBeNull();
    keep(fault, law, boot);
  },
);
