import type { LockWait } from './lock-watch.ts';

/** What to do about a new release that does not come up on tables with rows. */
export const upgradeAdvice =
  'It comes up on a fresh database, so what differs is the rows, or the old replica. A column that is NOT NULL needs a DEFAULT, or comes in steps: nullable, filled, NOT NULL.';

/** What to do about an old release that cannot go on. */
export const refusedAdvice =
  'Both releases run side by side during a deploy: change the tables in a way that the old one can live with, and take away what it needs in a later release.';

/** What to do about a lock that is held too long. */
export const lockAdvice =
  'Everything that uses the table waits meanwhile: do the long part without the lock, such as with CREATE INDEX CONCURRENTLY, NOT VALID and VALIDATE CONSTRAINT, or updates in portions; or set lockWait.';

/** Describes a wait for people. */
export function describeWait({ name, mode, waitedMs, query }: LockWait): string {
  const text = query.replaceAll(/\s+/g, ' ').trim();
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return `a statement of the old release waited ${waitedMs} ms and more for ${name}, where the new release held ${mode}: ${shown}`;
}

export function indent(text: string): string {
  return text.replaceAll(/^(?=.*\S)/gm, '    ');
}
