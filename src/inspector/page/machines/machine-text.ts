import { formatDuration } from '../../../core/duration.ts';
import type { StateDescription } from '../../../core/machine-records.ts';
import { nameEdge, sumVisits, type MachineHistory } from './machine-history.ts';

/** How a state is drawn. */
export interface StateText {
  readonly kind: 'lit' | 'past' | 'ended' | 'unseen';
  /** A shape for readers who do not see the colour. */
  readonly mark: string;
  /** Its time, and how often an event left the machine in it. */
  readonly text: string;
  /** The meaning of mark and colour. */
  readonly words: string;
}

/** Describes a state as it stands at `nowMs`. */
export function describeState(
  { name, isFinal }: StateDescription,
  history: MachineHistory | undefined,
  nowMs: number,
): StateText {
  const ms = sumVisits(history, name, nowMs);
  if (!history || ms === undefined) {
    return { kind: 'unseen', mark: '○', text: '', words: 'not reached' };
  }
  const time = formatDuration(ms);
  if (history.ended && history.state === name) {
    return { kind: 'ended', mark: '■', text: '', words: 'ended here' };
  }
  const stays = history.traces.get(nameEdge(name, name))?.count ?? 0;
  const text = isFinal ? '' : stays > 0 ? `${time} ↻ ${stays}` : time;
  if (!history.ended && history.state === name) {
    return { kind: 'lit', mark: '●', text, words: 'current state' };
  }
  return { kind: 'past', mark: '✓', text, words: 'left' };
}

const endings = { done: 'ended', error: 'broke: a defect', stopped: 'was stopped' } as const;

/** Describes in a few words what a machine does, or how it has ended. */
export function describeMachine(history: MachineHistory | undefined, nowMs: number): string {
  if (!history) return 'not begun';
  const { ended, beganMs, state } = history;
  if (!ended) return `${state}, runs for ${formatDuration(nowMs - beganMs)}`;
  return `${endings[ended.status]} in ${state} after ${formatDuration(ended.atMs - beganMs)}`;
}
