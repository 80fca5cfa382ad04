import { startFaultProxy, type FaultProxy, type FaultProxyOptions } from 'slipway/testing';
import { StatementReader } from './wire-statements.ts';

/** A fault proxy that reads the statements which pass through it. */
export interface Proxy extends FaultProxy {
  /** The text of every statement that all connections have sent so far, in the order of arrival. */
  readonly statements: readonly string[];
  /** The name of every statement that has been prepared, which is empty for an unnamed one. */
  readonly prepared: readonly string[];
  /** Clears the list of statements. */
  forgetStatements(): void;
}

/** Starts a proxy in front of the server of a connection string. */
export async function startProxy(
  to: string,
  options: Omit<FaultProxyOptions, 'to' | 'onSend'> = {},
): Promise<Proxy> {
  const statements: string[] = [];
  const prepared: string[] = [];
  const readers = new Map<number, StatementReader>();
  const proxy = await startFaultProxy({
    ...options,
    to,
    onSend(bytes, connection) {
      let reader = readers.get(connection);
      if (!reader) {
        reader = new StatementReader(
          (sql) => statements.push(sql),
          (name) => prepared.push(name),
        );
        readers.set(connection, reader);
      }
      reader.push(bytes);
    },
  });
  return {
    ...proxy,
    statements,
    prepared,
    forgetStatements: () => {
      statements.length = 0;
    },
  };
}
