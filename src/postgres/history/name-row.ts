import type { HistoryRow } from './migration-history.ts';

/** Names a row, by its name or else its time or hash. */
export function nameRow({ name, createdAt, hash }: HistoryRow): string {
  if (name !== null) return name;
  return createdAt === null ? `hash ${hash.slice(0, 12)}` : `created_at ${createdAt}`;
}
