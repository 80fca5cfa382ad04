import type { Readable, Writable } from 'node:stream';

/** A link that all pipes of a proxy share. */
export interface Link {
  /** The delay of each byte in one direction, in ms. */
  delayMs: number;
  /** While true, data waits and nothing arrives, as on a broken line. */
  isHeld: boolean;
}

interface Parcel {
  readonly dueAt: number;
  /** Undefined: the sender has closed its side. */
  readonly bytes: Buffer | undefined;
}

/**
 * Writes the data of `from` to `to`, each chunk `delayMs` after it came. The delay is that of a long line: chunks
 * do not wait for each other. Returns a function that delivers every chunk that is due.
 */
export function pipeDelayed(from: Readable, to: Writable, link: Link): () => void {
  const line: Parcel[] = [];
  let timer: NodeJS.Timeout | undefined;

  const deliver = (): void => {
    clearTimeout(timer);
    while (!link.isHeld) {
      const next = line[0];
      if (next === undefined) return;
      const wait = next.dueAt - performance.now();
      if (wait > 0) {
        timer = setTimeout(deliver, wait);
        return;
      }
      line.shift();
      if (to.destroyed) continue;
      if (next.bytes === undefined) to.end();
      else to.write(next.bytes);
    }
  };
  const send = (bytes?: Buffer): void => {
    line.push({ dueAt: performance.now() + link.delayMs, bytes });
    if (line.length === 1) deliver();
  };
  from.on('data', send);
  from.on('end', () => send());
  from.on('close', () => send());
  to.on('close', () => {
    clearTimeout(timer);
    line.length = 0;
  });
  return deliver;
}
