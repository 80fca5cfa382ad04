import { optionsInvalid } from './errors.ts';

/** A length of time: milliseconds as a number, or a string such as `'200ms'`, `'5s'`, `'10m'`, `'1h'`. */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h`;

const unitInMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const written = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;

/** The longest time a Node.js timer can wait, in ms; beyond it timers fire at once. */
const longestTimer = 2_147_483_647;

/**
 * Turns a {@link Duration} into whole milliseconds.
 *
 * @param name The name of the option in the message.
 * @throws BootError `OPTIONS_INVALID`
 * @example toMilliseconds('1.5s', 'init.timeout') // 1500
 */
export function toMilliseconds(value: unknown, name: string): number {
  const ms = Math.round(read(value));
  if (ms >= 0 && ms <= longestTimer) return ms;
  throw optionsInvalid(name, "a duration of at most 24 days, as ms or like '5s'", value);
}

function read(value: unknown): number {
  if (typeof value === 'number') return value;
  const match = typeof value === 'string' ? written.exec(value) : null;
  if (!match) return Number.NaN;
  return Number(match[1]) * unitInMs[match[2] as keyof typeof unitInMs];
}

/**
 * Writes milliseconds for people.
 *
 * @example formatDuration(1234) // '1.23s'
 */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_995) return `${(ms / 1_000).toFixed(2)}s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`;
}

/** Rounds to microseconds: more digits say nothing, and fill logs and recordings. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
