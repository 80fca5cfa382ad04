import type { Story } from '../../../insight/story.ts';
import type { Shown } from '../model.ts';
import { describeOutcome } from './outcome.ts';
import { countSettled } from './strip.tsx';

/** While a boot runs, its title changes at most this often: a browser takes milliseconds for it. */
const titleMs = 1_000;
let last = { title: '', atMs: 0 };

/** Shows in the title of the page how the boot stands, so that a reader finds its tab among others. */
export function markTab({ latest, problem, isRunning }: Shown): void {
  if (!latest || problem !== undefined) return;
  const atMs = performance.now();
  if (isRunning && atMs - last.atMs < titleMs) return;
  const title = writeTitle(latest);
  if (title === last.title) return;
  last = { title, atMs };
  document.title = title;
}

/** @example '✕ failed · shop', '● 4 of 6 · shop' */
function writeTitle(story: Story): string {
  const [glyph, word] = describeOutcome(story);
  const { phases, start, finished } = story.record;
  const running = phases.findLast(({ outcome }) => outcome === 'running');
  const count = running && !finished && countSettled(story, running.phase);
  const { name } = start?.hostApp ?? { name: 'Slipway' };
  return `${glyph} ${count ?? word} · ${name}`;
}
