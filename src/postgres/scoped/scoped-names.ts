import { createHash } from 'node:crypto';

/** PostgreSQL cuts longer names of prepared statements, so that two of them could become one. */
const longestName = 63;

/**
 * The name of a prepared statement as it is sent: plugins share connections, and a name stands for one text and one path on
 * each of them.
 *
 * @example nameInScope('"plugin_a"', 'byId') // '7c1ae42f05d3_byId'
 */
export function nameInScope(path: string, name: string): string {
  const scoped = `${hashOf(path).slice(0, 12)}_${name}`;
  return Buffer.byteLength(scoped) <= longestName
    ? scoped
    : hashOf(`${path} ${name}`).slice(0, longestName);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
