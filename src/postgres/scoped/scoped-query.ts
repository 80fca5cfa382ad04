import { createHash } from 'node:crypto';
import { readQuery, type GivenQuery } from '../connection/query-call.ts';

/** PostgreSQL cuts longer names of prepared statements, so that two of them could become one. */
const longestName = 63;

/** Reads the arguments of `query()` like {@link readQuery}; the name of a prepared statement gets a hash of the path. */
export function readScopedQuery(path: string, args: readonly unknown[]): GivenQuery {
  const query = readQuery(args);
  return query.name === undefined ? query : { ...query, name: nameInScope(path, query.name) };
}

/** Does the same for a query object, which is sent unchanged otherwise. */
export function scopeSubmittable(path: string, query: object): void {
  if (!('name' in query) || typeof query.name !== 'string') return;
  query.name = nameInScope(path, query.name);
}

/**
 * Makes the name of a prepared statement as it is sent. Plugins share connections, and on each of them a name must stand for
 * one text and one path.
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
