import { Query, type PoolClient } from 'pg';
import type { ClientQuery } from '../connection/connection.ts';
import type { QueryCall } from '../connection/query-call.ts';
import { writeAtOnce, type WireConnection } from '../connection/wire.ts';
import { PathSetting } from './path-setting.ts';
import type { PluginScope } from './plugin-scope.ts';
import { refuseText, type ScopedText } from './scoped-text.ts';
import { traceQuery } from './trace-query.ts';

/** The result of one command. */
interface CommandResult {
  readonly command: string | null;
}

interface RowMessage {
  readonly fields: readonly (string | null)[];
}

type PgError = Error & { readonly code?: unknown; position?: string };

type Results = CommandResult | CommandResult[];

/** The part of pg's Query that its types leave out: https://github.com/brianc/node-postgres/blob/master/packages/pg/lib/query.js */
interface PgQuery {
  text: string;
  name: string | undefined;
  values: unknown[] | undefined;
  readonly binary?: boolean;
  query_timeout?: number | undefined;
  callback: (error: Error | null, results?: Results) => void;
  requiresPreparation(): boolean;
  prepare(connection: WireConnection): void;
  submit(connection: WireConnection): Error | null;
  handleDataRow(message: RowMessage): void;
  handleCommandComplete(message: object, connection: WireConnection): void;
  handleError(error: PgError, connection: WireConnection): void;
}

type PgQueryClass = new (config: string | ClientQuery) => PgQuery;

/** A call of `query()` whose text has been read. */
export interface ScopedCall extends QueryCall {
  readonly read: ScopedText;
  /** Whether nothing else is sent on the client meanwhile, so that the statement may be sent a second time. */
  readonly isAlone?: boolean;
}

/**
 * Sends a statement together with the path of the plugin, in one message and one transaction. An open transaction has the path
 * already: there the statement is sent as it is. Answers as pg does.
 */
export function sendScoped(
  client: PoolClient,
  scope: PluginScope,
  call: ScopedCall,
): Promise<unknown> {
  return traceQuery(scope, call.text, () => send(client, scope, call));
}

function send(client: PoolClient, scope: PluginScope, call: ScopedCall): Promise<unknown> {
  const ScopedQuery = extendQuery((client.constructor as { readonly Query?: typeof Query }).Query);
  return new Promise((resolve, reject) => {
    const query = new ScopedQuery(client, scope, call);
    query.callback = (error, results) => {
      if (!error) resolve(query.readResults(results));
      else if (query.canRepeat) resolve(send(client, scope, { ...call, isAlone: false }));
      else reject(error);
    };
    client.query(query as unknown as Query);
  });
}

interface ScopedPgQuery extends PgQuery {
  /** Whether it has failed before the statement ran, so that it can be sent again. */
  readonly canRepeat: boolean;
  /** Leaves out the results that are not the caller's. There is a list only when several are left, as from pg. */
  readResults(results: Results | undefined): Results | undefined;
}

type ScopedQueryClass = new (
  client: PoolClient,
  scope: PluginScope,
  call: ScopedCall,
) => ScopedPgQuery;

/** A parameter. Without values it is an error, which the two protocols report in different ways. */
const parameter = /\$\d/;

/** By the class of the client's own copy of pg, which in pipeline mode takes no query of another class. */
const classes = new WeakMap<object, ScopedQueryClass>();

function extendQuery(given: typeof Query = Query): ScopedQueryClass {
  const known = classes.get(given);
  if (known) return known;
  const made = makeScopedQuery(given as unknown as PgQueryClass);
  classes.set(given, made);
  return made;
}

function makeScopedQuery(Base: PgQueryClass): ScopedQueryClass {
  return class ScopedQuery extends Base {
    canRepeat = false;
    readonly #client: PoolClient;
    readonly #scope: PluginScope;
    readonly #call: ScopedCall;
    /** Present until the path is set, when it is sent in front of the statement. */
    #setting: PathSetting | undefined;
    /** The name of the prepared statement, as long as it is hidden from pg. */
    #name: string | undefined;
    /** The place and the length of the commands that are inserted into the caller's text. */
    #inserted: { readonly at: number; readonly length: number } | undefined;
    /** The index of the first result that is not the caller's. */
    #settingsAt: number | undefined;

    constructor(client: PoolClient, scope: PluginScope, call: ScopedCall) {
      const { query, values } = call;
      super(query);
      // Given to the constructor, they would be written into the caller's config.
      if (values) this.values = values;
      this.#client = client;
      this.#scope = scope;
      this.#call = call;
      if (typeof query !== 'string') this.query_timeout = query.query_timeout;
      if (this.name !== undefined) this.name = scope.nameStatement(this.name);
    }

    /** Called by pg when every earlier statement has been answered: only now is the state of the transaction known. */
    override submit(connection: WireConnection): Error | null {
      const client = this.#client;
      const { read } = this.#call;
      const { pipeline = false } = client as { readonly pipeline?: boolean };
      const isOpen = client.getTransactionStatus() !== 'I';
      const refusal = refuseText(read, { isInside: isOpen || pipeline });
      if (refusal) return refusal;
      if (read.form === 'block' && !isOpen && super.requiresPreparation())
        return needsTransaction();
      if (read.form === 'opening') this.#setPathBehindOpening();
      else if (read.form !== 'control' && (!isOpen || pipeline)) this.#setPathBefore();
      const refused = writeAtOnce(connection, () => super.submit(connection));
      if (this.#setting) {
        // The path is parsed first, and pg would take the answer to that for the answer to the parsing of this name.
        this.#name = this.name;
        this.name = undefined;
      }
      return refused;
    }

    #setPathBehindOpening(): void {
      const { read } = this.#call;
      this.name = undefined;
      this.#insert(`; ${this.#scope.settings.join('; ')}`, read.firstEnd);
      this.#settingsAt = 1;
    }

    #insert(commands: string, at: number): void {
      this.text = this.text.slice(0, at) + commands + this.text.slice(at);
      this.#inserted = { at, length: commands.length };
    }

    #setPathBefore(): void {
      const { read, text, isAlone = false } = this.#call;
      // Texts that pg sends by the simple protocol, where the extended one would answer in another way.
      const isSimple = read.form !== 'rows' || this.binary === true || parameter.test(text);
      if (isSimple && !super.requiresPreparation()) {
        // Unlike the function, it takes no snapshot, so that SET TRANSACTION may follow.
        this.#insert(`${this.#scope.settings.join('; ')}; `, 0);
        this.#settingsAt = 0;
      } else {
        this.#setting = new PathSetting(this.#client, this.#scope, isAlone);
      }
    }

    override requiresPreparation(): boolean {
      return this.#setting !== undefined || super.requiresPreparation();
    }

    override prepare(connection: WireConnection): void {
      this.#setting?.write(connection);
      super.prepare(connection);
    }

    override handleDataRow(message: RowMessage): void {
      if (this.#setting) this.#setting.readRow(message.fields);
      else super.handleDataRow(message);
    }

    override handleCommandComplete(message: object, connection: WireConnection): void {
      if (this.#setting) this.#endSetting(this.#setting).complete(connection);
      else super.handleCommandComplete(message, connection);
    }

    #endSetting(setting: PathSetting): PathSetting {
      this.#setting = undefined;
      this.name = this.#name;
      return setting;
    }

    override handleError(error: PgError, connection: WireConnection): void {
      if (this.#setting) {
        this.canRepeat = this.#endSetting(this.#setting).fail(connection, error.code);
        // pg removes the name of a statement that failed, and has not seen this one.
        if (this.name !== undefined) delete connection.submittedNamedStatements?.[this.name];
      }
      this.#restorePosition(error);
      super.handleError(error, connection);
    }

    /** Turns the position of an error into the one in the caller's text. */
    #restorePosition(error: PgError): void {
      const { at, length } = this.#inserted ?? { at: 0, length: 0 };
      const position = Number(error.position);
      if (length === 0 || !(position > at)) return;
      error.position = String(position - length);
    }

    readResults(results: Results | undefined): Results | undefined {
      if (this.#settingsAt === undefined || !Array.isArray(results)) return results;
      const own = results.toSpliced(this.#settingsAt, this.#scope.settings.length);
      return own.length === 1 && own[0] ? own[0] : own;
    }
  };
}

function needsTransaction(): Error {
  return new Error(
    'CALL with parameters needs a transaction: the procedure could commit, and would go on under another search_path',
  );
}
