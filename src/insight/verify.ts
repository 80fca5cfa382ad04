import type { Blame, Violation } from './rules.ts';
import type { Story } from './story.ts';
import { checkBoot } from './verify-boot.ts';
import { checkFiles } from './verify-files.ts';
import { checkSlots } from './verify-slots.ts';
import { checkSteps } from './verify-steps.ts';
import { checkSums } from './verify-sums.ts';
import { checkUsers } from './verify-users.ts';

/**
 * Checks the promises of Slipway on a recorded boot: its order, its gates, its slots, its sessions and its sums. A story that
 * goes on, or is cut off at any event, is checked as far as it goes.
 *
 * @returns What was violated; nothing for every boot that Slipway should make.
 * @example for (const { rule, message, seqs } of verify(story)) console.error(rule, message, seqs);
 */
export function verify(story: Story): readonly Violation[] {
  const violations: Violation[] = [];
  const blame: Blame = (rule, message, ...events) => {
    const seqs = events.flatMap((event) => (event ? [event.seq] : []));
    violations.push({ rule, message, seqs: seqs.toSorted((a, b) => a - b) });
  };
  checkStory(story, blame);
  for (const launch of story.launches) {
    // A launch whose turn never came has only an end.
    if (launch.record.start) checkStory(launch, blame);
  }
  checkUsers(story, blame);
  return violations;
}

function checkStory(story: Story, blame: Blame): void {
  checkBoot(story, blame);
  checkSteps(story, blame);
  checkSums(story, blame);
  // A recording that was full has not got the events that the others look at.
  if (story.isFull) return;
  checkSlots(story, blame);
  checkFiles(story, blame);
}
