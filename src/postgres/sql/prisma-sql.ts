import type { SqlEdit } from './sql-edits.ts';
import { SqlText, type SqlCommand } from './sql-text.ts';

/**
 * The SQL of a migration of Prisma, which wraps the change of an enum in `BEGIN` and `COMMIT`. The whole file is one
 * transaction here, so that such a pair has nothing to do.
 */
export class PrismaSql extends SqlText {
  #own: ReadonlySet<SqlCommand> | undefined;

  /** Its `BEGIN` and `COMMIT`, when each `BEGIN` has its `COMMIT`. */
  get ownTransactions(): ReadonlySet<SqlCommand> {
    return (this.#own ??= findPairs(this.commands));
  }
}

const begin = /^begin(?:\s+(?:work|transaction))?$/i;
const commit = /^(?:commit|end)(?:\s+(?:work|transaction))?$/i;

function findPairs(commands: readonly SqlCommand[]): ReadonlySet<SqlCommand> {
  const found = commands.filter(({ code }) => begin.test(code) || commit.test(code));
  const isPaired =
    found.length % 2 === 0 &&
    found.every(({ code }, index) => (index % 2 === 0 ? begin : commit).test(code));
  return new Set(isPaired ? found : []);
}

/** The edits that take the transactions of Prisma out, in memory. */
export function prismaEdits(sql: SqlText): readonly SqlEdit[] {
  if (!(sql instanceof PrismaSql)) return [];
  return Array.from(sql.ownTransactions, ({ start, code }) => ({
    start,
    end: start + code.length,
    replacement: '',
  }));
}
