import { createHash } from 'node:crypto';
import { quoteLiteral } from '../sql/identifier.ts';

/** The part of the database that a scoped pool works in. */
interface ScopeOptions {
  /** The id, where it is known. */
  readonly plugin?: string;
  /** Also the `application_name` of its statements, so that `pg_stat_activity` shows whose they are. */
  readonly schema: string;
  /** The `search_path`. */
  readonly path: string;
  /** Called with a sentence when a connection has to be closed because of a command that ran on it. */
  readonly warn: (message: string) => void;
}

export interface PluginScope extends ScopeOptions {
  /** The same settings as commands at the beginning of a transaction. */
  readonly settings: readonly string[];
  /**
   * Makes the name of a prepared statement as it is sent. Plugins share connections, and on each of them a name must stand for
   * one text and one path.
   *
   * @example nameStatement('byId') // '7c1ae42f05d3_byId'
   */
  readonly nameStatement: (name: string) => string;
}

/** In bytes. PostgreSQL cuts longer names of prepared statements, and two of them could become one. */
const longestName = 63;

export function createPluginScope(scope: ScopeOptions): PluginScope {
  const { schema, path } = scope;
  let prefix: string | undefined;
  return {
    ...scope,
    settings: [
      `set local search_path = ${path}`,
      `set local application_name = ${quoteLiteral(schema)}`,
    ],
    nameStatement(name) {
      prefix ??= hash(path).slice(0, 12);
      const scoped = `${prefix}_${name}`;
      return Buffer.byteLength(scoped) <= longestName
        ? scoped
        : hash(`${path} ${name}`).slice(0, longestName);
    },
  };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
