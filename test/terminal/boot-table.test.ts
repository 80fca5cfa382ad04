import { describe, expect, it } from 'vitest';
import { createLiveOutput } from '../../src/index.ts';
import { runStaged } from '../insight/staged-boot.ts';
import { stageBoot as boot } from '../insight/staged-plan.ts';
import type { StagedBoot } from '../insight/staged-plan.ts';
import { createTerminal } from '../support/terminal.ts';

/** The text that plain output of a whole boot leaves behind. */
async function print(staged: StagedBoot, columns = 120): Promise<string> {
  const terminal = createTerminal({ columns, isTTY: false });
  const listen = createLiveOutput({ stream: terminal, live: false, colors: false });
  for (const event of (await runStaged(staged)).events) listen(event);
  expect(terminal.wraps).toBe(0);
  return terminal.lines.join('\n');
}

const slow = boot(
  { files: [[2_000]], initMs: 900 },
  { needs: [0], files: [[500]], lockedForMs: 700, initMs: 1 },
  { files: [[100]], initMs: 2 },
);

describe('the table at the end', () => {
  it('marks the steps that decided the time, and lists them under it with their waits', async () => {
    const text = await print(slow);
    expect(text).toMatch(/^ {2}p0 +2\.00s\* +1 +900ms\*/m);
    expect(text).toMatch(/^ {2}p1 +\d+ms\* +1 +1ms {2}/m);
    expect(text).toMatch(/^ {2}p2 +100ms {2}/m);
    expect(text).toMatch(
      /^ {2}\* critical chain: p0\.migrate 2\.00s → p1\.migrate 1\.\d\ds \(lock \d+ms\) → p0\.init 90\dms$/m,
    );
  });

  it('shows with dots that a step waited for its lock', async () => {
    expect(await print(slow)).toMatch(/^ {2}p1 .* ·+█+/m);
  });

  it('leaves out the shortest parts of the chain where the screen is narrow', async () => {
    const text = await print(slow, 40);
    expect(text).toMatch(/\* critical chain: p0\.migrate 2\.00s/);
    expect(text).not.toContain('p0.init 900ms');
  });

  it('has no marks and no chain when the boot was fast', async () => {
    const text = await print(boot({ files: [[20]] }, { needs: [0], initMs: 30 }));
    expect(text).not.toContain('critical chain');
    expect(text).not.toContain('*');
  });

  it('lists the plugins of a boot that failed, with the chain up to the failure', async () => {
    const text = await print(boot({ files: [[2_000]], migrate: 'failed' }, { needs: [0] }));
    expect(text).toMatch(/^ {2}p0 +failed\* .*not reached/m);
    expect(text).toMatch(/^ {2}p1 +\S+.* not reached/m);
    expect(text).toMatch(/\* critical chain: p0\.migrate 2\.00s/);
  });
});
