import type { PoolClient } from 'pg';
import { answer } from '../connection/pg-callback.ts';
import { isSubmittable, type GivenQuery } from '../connection/query-call.ts';
import type { Loan } from './loans.ts';
import { readScopedQuery, scopeSubmittable } from './scoped-query.ts';

/** How one form of a scoped client sends statements and is released. */
export interface ScopedForm {
  send(query: GivenQuery): Promise<unknown>;
  /** Sends a cursor or a stream, which handles its own answer. */
  submit(args: readonly unknown[]): unknown;
  /** Called once. */
  release(destroy: boolean | Error): void;
}

/**
 * Makes the client that the plugin gets, which works until its release. It is a proxy, because Drizzle and other libraries
 * recognize a client by its class, and use more of it than these two methods.
 */
export function handOut(loan: Loan, path: string, form: ScopedForm): PoolClient {
  let isReleased = false;
  const send = async (args: readonly unknown[]): Promise<unknown> => {
    // The connection may belong to another caller by now, under another path.
    if (isReleased) throw new Error('This client has been released');
    const query = readScopedQuery(path, args);
    return loan.run(() => form.send(query));
  };
  const query = (...args: readonly unknown[]): unknown => {
    const [first] = args;
    if (!isSubmittable(first)) return answer(send, args);
    scopeSubmittable(path, first);
    return form.submit(args);
  };
  const release: PoolClient['release'] = (destroy) => {
    if (isReleased) throw new Error('This client has already been released');
    isReleased = true;
    // It may have been taken back already, when its plugin stopped.
    if (loan.isOver) return;
    loan.isHeld = false;
    form.release(destroy ?? false);
  };
  const own = new Map<PropertyKey, unknown>([
    ['query', query],
    ['release', release],
  ]);
  return new Proxy(loan.client, {
    get: (target, key) => own.get(key) ?? (Reflect.get(target, key, target) as unknown),
  });
}
