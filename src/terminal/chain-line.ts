import { formatDuration } from '../core/duration.ts';
import type { ChainLink } from '../core/report.ts';
import { displayWidth, printableLine } from './display-width.ts';

/** After the times of the steps on the critical chain, and before the line that lists them. */
export const chainMark = '*';

/** A boot that is faster, in ms, has no chain worth a look: a second is the first heartbeat, and the first impatience. */
const worthALook = 1_000;
/** A part, or a wait in it, that takes less of the boot than this is left out. */
const leastShare = 0.01;
/** A wait that is written as 0 ms says nothing. */
const shortestWaitMs = 0.5;
/** More parts than these are not read. */
const mostParts = 12;

/** A part of the critical chain: all links of one step in a row. */
export interface ChainPart extends Pick<ChainLink, 'plugin' | 'step'> {
  /** The place in the chain: between parts that do not follow each other, short ones are left out. */
  readonly at: number;
  readonly ms: number;
  readonly waits: ReadonlyMap<string, number>;
}

/** Reads the parts of a chain that are worth a look, in order of time. There are none when the boot was fast. */
export function listChainParts(chain: readonly ChainLink[]): readonly ChainPart[] {
  const totalMs = chain.at(-1)?.endMs ?? 0;
  const parts = joinLinks(chain);
  if (totalMs < worthALook || parts.every(({ plugin }) => plugin === undefined)) return [];
  return parts.filter(({ ms }) => ms >= totalMs * leastShare);
}

/**
 * Writes the parts in one line. The shortest of them are left out, until it takes at most `width` columns.
 *
 * @example writeChain(parts, 80) // '* critical chain: auth.init 1.20s → catalog.migrate 800ms (lock 500ms) … mail.ready 90ms'
 */
export function writeChain(parts: readonly ChainPart[], width: number): string {
  const byLength = parts.toSorted((a, b) => b.ms - a.ms);
  for (let most = Math.min(mostParts, parts.length); ; most -= 1) {
    const longest = new Set(byLength.slice(0, most));
    const kept = parts.filter((part) => longest.has(part));
    const words = kept.map((part, index) => {
      const before = kept[index - 1];
      const arrow = before && (before.at + 1 === part.at ? ' → ' : ' … ');
      return `${arrow ?? ''}${describePart(part)}`;
    });
    const line = `${chainMark} critical chain: ${words.join('')}`;
    if (displayWidth(line) <= width || most <= 1) return line;
  }
}

function joinLinks(chain: readonly ChainLink[]): readonly ChainPart[] {
  const parts: ChainPart[] = [];
  for (const { plugin, step, kind, startMs, endMs } of chain) {
    const previous = parts.at(-1);
    const isSame = previous?.plugin === plugin && previous?.step === step;
    const last = isSame ? parts.pop() : undefined;
    const waits = new Map(last?.waits);
    const ms = endMs - startMs;
    if (kind !== 'work') waits.set(kind, (waits.get(kind) ?? 0) + ms);
    const name = { step, ...(plugin !== undefined && { plugin }) };
    parts.push({ ...name, at: parts.length, ms: ms + (last?.ms ?? 0), waits });
  }
  return parts;
}

function describePart({ plugin, step, ms, waits }: ChainPart): string {
  const name = plugin === undefined ? step : `${printableLine(plugin)}.${step}`;
  const reasons = [...waits]
    .filter(([, waitMs]) => waitMs >= Math.max(ms * leastShare, shortestWaitMs))
    .map(([kind, waitMs]) => `${kind} ${formatDuration(waitMs)}`);
  return `${name} ${formatDuration(ms)}${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}`;
}
