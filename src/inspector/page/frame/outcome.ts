import type { Story } from '../../../insight/story.ts';

const words = {
  ready: ['✓', 'ready', 'good'],
  degraded: ['!', 'degraded', 'warn'],
  migrated: ['✓', 'migrated', 'good'],
  failed: ['✕', 'failed', 'bad'],
  canceled: ['■', 'canceled', 'soft'],
} as const;

/** What a state means: the name of its colour. */
type Tone = 'good' | 'warn' | 'bad' | 'soft' | 'go';

/** Describes the outcome of a boot or of a launch, or the fact that it goes on: a glyph, a word and a colour. */
export function describeOutcome({
  record,
  end,
}: Pick<Story, 'record' | 'end'>): readonly [string, string, Tone] {
  if (record.finished) return words[record.finished.outcome];
  if (end === 'cutOff') return ['✂', 'cut off', 'bad'];
  return ['●', record.launch === undefined ? 'booting' : 'launching', 'go'];
}
