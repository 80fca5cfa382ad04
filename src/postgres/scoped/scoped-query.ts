import { createHash } from 'node:crypto';
import { readQuery, type GivenQuery } from '../connection/query-call.ts';

/** PostgreSQL cuts longer names of prepared statements, so that two of them could become one. */
const longestName = 63;

/** Reads the arguments of `query()` as {@link readQuery} does; a prepared statement gets a name of its path. */
export function readScopedQuery(path: string, args: readonly unknown[]): GivenQuery {
  const query = readQuery(args);
  return query.name === undefined ? query : { ...query, name: nameInScope(path, query.name) };
}

/** The same for a query object, which is sent as it is. */
export function scopeSubmittable(path: string, query: object): void {
  if (!('name' in query) || typeof query.name !== 'string') return;
  query.name = nameInScope(path, query.name);
}

/**
 * The name of a prepared statement as it is sent: plugins share connections, and a name stands for one text and one path on
 * each of them.
 *
 * @example nameInScope('"plugin_a"', 'byId') // '7c1ae42f05d3_byId'
 */
function nameInScope(path: string, name: string): string {
  const scoped = `${hashOf(path).slice(0, 12)}_${name}`;
  return Buffer.byteLength(scoped) <= longestName
    ? scoped
    : hashOf(`${path} ${name}`).slice(0, longestName);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
