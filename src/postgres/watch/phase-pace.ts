import type { StatementProgress } from '../../core/running-steps.ts';
import type { Counted } from './look-at-statements.ts';

interface Sample {
  readonly atMs: number;
  readonly done: number;
}

/** The speed is that of the last half minute to minute, because other work on the server changes it. */
const windowMs = 30_000;
/** Two looks that follow each other too closely show no speed. */
const shortestMs = 900;

/** Measures how fast a statement gets on in its phase, and so how long the phase still takes. */
export class PhasePace {
  #key = '';
  #older: Sample | undefined;
  #newer: Sample | undefined;

  /** Adds percent and time left to what PostgreSQL has counted, where they can be known. */
  measure(counted: Counted, atMs: number): StatementProgress {
    const { phase, index, relation, done, total, unit } = counted;
    if (done === undefined || total === undefined || total <= 0) return counted;
    const key = JSON.stringify([phase, index, relation, total, unit]);
    const isNew = key !== this.#key || done < (this.#newer?.done ?? 0);
    // While PostgreSQL reads the first block, it counts all of them as done: heapam_scan_get_blocks_done().
    if (isNew && done >= total) return { phase, ...nameObject(counted) };
    if (isNew) {
      this.#key = key;
      this.#older = this.#newer = { atMs, done };
    }
    const percent = Math.min(100, Math.floor((done / total) * 100));
    const etaMs = unit === 'sessions' ? undefined : this.#estimate(total, { atMs, done });
    return { ...counted, percent, ...(etaMs !== undefined && { etaMs }) };
  }

  #estimate(total: number, now: Sample): number | undefined {
    const from = this.#older ?? now;
    if (now.atMs - (this.#newer?.atMs ?? now.atMs) >= windowMs) {
      this.#older = this.#newer;
      this.#newer = now;
    }
    const tookMs = now.atMs - from.atMs;
    const did = now.done - from.done;
    if (tookMs < shortestMs || did <= 0) return undefined;
    return Math.round((Math.max(0, total - now.done) / did) * tookMs);
  }
}

/** Returns the index and the table, without the numbers. */
function nameObject({ index, relation }: Counted): Pick<Counted, 'index' | 'relation'> {
  return { ...(index !== undefined && { index }), ...(relation !== undefined && { relation }) };
}
