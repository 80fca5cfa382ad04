import { Client } from 'pg';

/** A session advisory lock of ours; at the end of its scope its session is gone. */
export interface HeldLock extends AsyncDisposable {
  /** The session that holds it, as PostgreSQL numbers it. */
  readonly pid: number;
  release(): Promise<void>;
}

/**
 * Holds a lock, so that whoever wants it waits until the test lets go.
 *
 * @example
 * await using lock = await holdLock(db.url, 42n);
 * await lock.release();
 */
export async function holdLock(url: string, key: bigint): Promise<HeldLock> {
  const client = new Client({ connectionString: url, application_name: 'another replica' });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>(
    'select pg_backend_pid() as pid from pg_advisory_lock($1::bigint)',
    [String(key)],
  );
  let ending: Promise<void> | undefined;
  const release = (): Promise<void> => {
    ending ??= client.end();
    return ending;
  };
  return { pid: rows[0]?.pid ?? 0, release, [Symbol.asyncDispose]: release };
}
