import { criticalChain } from './critical-chain.ts';
import type { Story } from './story.ts';
import type { Blame } from './rules.ts';
import { roundingMs } from './verify-boot.ts';
import { waits } from './waits.ts';

/** Checks that the ledgers and the critical chain add up. */
export function checkSums(story: Story, blame: Blame): void {
  for (const { plugin, ...ledgers } of waits(story)) {
    for (const [step, { wallMs, ...parts }] of Object.entries(ledgers)) {
      const sumMs = Object.values(parts).reduce((total, ms) => total + ms, 0);
      if (Math.abs(sumMs - wallMs) <= roundingMs && Math.min(...Object.values(parts)) >= 0)
        continue;
      blame('sums', `the parts of ${step} of ${plugin} add up to ${sumMs} ms of ${wallMs} ms`);
    }
  }
  let atMs = 0;
  for (const { startMs, endMs } of criticalChain(story)) {
    if (Math.abs(startMs - atMs) > roundingMs)
      blame('sums', `the critical chain has a gap from ${atMs} ms to ${startMs} ms`);
    atMs = endMs;
  }
  if (Math.abs(atMs - story.endMs) > roundingMs && story.record.phases.length > 0) {
    blame('sums', `the critical chain ends at ${atMs} ms of ${story.endMs} ms`);
  }
}
