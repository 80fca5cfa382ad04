import type { ErrorCode, Problem, Warning } from './error-codes.ts';
import { errorCodes } from './error-codes.ts';
import type { ErrorRecord } from './error-record.ts';
import type { FleetFinding } from './fleet-report.ts';

type Fact = Omit<FleetFinding, 'databases'>;

/** Collects what is wrong, each kind once: the code, the plugin and the file. Neither a message nor a name of a database counts. */
export class FleetFindings {
  readonly #kinds = new Map<string, Fact & { readonly databases: string[] }>();

  /**
   * Adds a failure of a database. A plan with several problems has as many kinds.
   *
   * @returns Its kind, or the first of them.
   */
  addError(database: string, error: ErrorRecord): FleetFinding {
    const { problems = [] } = error;
    const kinds = problems.map((each) => this.addWarning(database, each));
    return kinds[0] ?? this.#add(database, toFact(error), error.name);
  }

  /** Adds a warning or a problem of a database. */
  addWarning(
    database: string,
    { code, plugin, file, message, hint }: Warning | Problem,
  ): FleetFinding {
    return this.#add(database, withoutUndefined({ code, plugin, file, message, hint }), message);
  }

  /** Every kind, in the order in which they came. */
  list(): readonly FleetFinding[] {
    return [...this.#kinds.values()];
  }

  /** @param name Stands for what has no code. */
  #add(database: string, fact: Fact, name: string): FleetFinding {
    const { code = name, plugin = '', file = '' } = fact;
    const key = JSON.stringify([code, plugin, file]);
    const kind = this.#kinds.get(key) ?? { ...fact, databases: [] };
    this.#kinds.set(key, kind);
    if (kind.databases.at(-1) !== database) kind.databases.push(database);
    return kind;
  }
}

function toFact({ code, plugin, position, message, hint }: ErrorRecord): Fact {
  const known = code !== undefined && Object.hasOwn(errorCodes, code);
  const own = known ? (code as ErrorCode) : undefined;
  return withoutUndefined({ code: own, plugin, file: position?.file, message, hint });
}

function withoutUndefined(fact: { readonly [Key in keyof Fact]: Fact[Key] | undefined }): Fact {
  return Object.fromEntries(
    Object.entries(fact).filter(([, value]) => value !== undefined),
  ) as unknown as Fact;
}

/** Names a kind in one line: `MIGRATION_FAILED of shop in 0004_tax.sql`. */
export function nameKind({ code, plugin, file, message }: Omit<FleetFinding, 'databases'>): string {
  if (code === undefined) return message;
  return [
    code,
    ...(plugin === undefined ? [] : [`of ${plugin}`]),
    ...(file === undefined ? [] : [`in ${file}`]),
  ].join(' ');
}
