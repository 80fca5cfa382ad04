import type { Story } from '../../../insight/story.ts';
import type { Shown } from '../model.ts';
import { readOutcome } from './header.tsx';
import { countSettled } from './strip.tsx';

/** Shows in the title of the page how the boot stands, so that a reader finds its tab among others. */
export function markTab({ latest, problem }: Shown): void {
  if (!latest || problem !== undefined) return;
  const title = writeTitle(latest);
  if (document.title !== title) document.title = title;
}

/** @example '✕ failed · shop', '● 4 of 6 · shop' */
function writeTitle(story: Story): string {
  const [glyph, word] = readOutcome(story);
  const { phases, start, finished } = story.record;
  const running = phases.findLast(({ outcome }) => outcome === 'running');
  const count = running && !finished && countSettled(story, running.phase);
  const { name } = start?.hostApp ?? { name: 'Slipway' };
  return `${glyph} ${count ?? word} · ${name}`;
}
