import { tracingChannel } from 'node:diagnostics_channel';
import type { PluginScope } from './plugin-scope.ts';

/** The message of the tracing channel `slipway.query`. It has no parameters and no rows. Subscribers may add fields. */
interface TracedQuery {
  readonly plugin?: string;
  readonly schema: string;
  readonly text: string;
  /** At the end: the number of rows. */
  result?: number | null;
  /** At the end, with the SQLSTATE as its `code`. PostgreSQL's own message may repeat a parameter. */
  error?: Error;
}

const channel = tracingChannel<unknown, TracedQuery>('slipway.query');

/** Traces a statement of a plugin on `slipway.query`. */
export function traceQuery<Result>(
  scope: PluginScope,
  text: string,
  run: () => Promise<Result>,
): Promise<Result> {
  return channel.hasSubscribers ? trace(describe(scope, text), run) : run();
}

async function trace<Result>(context: TracedQuery, run: () => Promise<Result>): Promise<Result> {
  let running: Promise<Result> | undefined;
  const countRows = async (): Promise<number | null> => {
    running = run();
    try {
      return readRowCount(await running);
    } catch (thrown) {
      throw withoutMessage(thrown);
    }
  };
  try {
    await channel.tracePromise(countRows, context);
  } catch {
    // The caller gets the error itself.
  }
  return running ?? run();
}

/** Traces the start of a cursor or a stream. Only its user knows when it ends. */
export function traceSubmit<Result>(scope: PluginScope, text: string, run: () => Result): Result {
  if (!channel.hasSubscribers) return run();
  const context = describe(scope, text);
  channel.start.publish(context);
  try {
    return run();
  } finally {
    channel.end.publish(context);
  }
}

function describe({ plugin, schema }: PluginScope, text: string): TracedQuery {
  return { ...(plugin !== undefined && { plugin }), schema, text };
}

function readRowCount(results: unknown): number | null {
  const last = Array.isArray(results) ? (results as readonly unknown[]).at(-1) : results;
  const { rowCount = null } = (last ?? {}) as { readonly rowCount?: number | null };
  return rowCount;
}

function withoutMessage(thrown: unknown): Error {
  const { code } = (thrown ?? {}) as { readonly code?: unknown };
  const message =
    typeof code === 'string' ? `the statement failed with ${code}` : 'the statement failed';
  return Object.assign(new Error(message), typeof code === 'string' && { code });
}
