import { isRecord } from '../../core/foreign-value.ts';

type Callback<Result> = (error: Error | undefined, result?: Result) => void;

/**
 * pg's two ways to be called: with a callback, or for a promise. The callback is the last function among the arguments, or the
 * `callback` of the query itself: of a config, or of a query object.
 *
 * @param run Gets the arguments without the callback.
 */
export function answer(
  run: (args: readonly unknown[]) => Promise<unknown>,
  args: readonly unknown[],
): Promise<unknown> | undefined {
  const callback = args.findLast(isCallback) ?? callbackIn(args[0]);
  const plain = args.filter((arg) => !isCallback(arg));
  if (!callback) return run(plain);
  void reply(run(plain), callback);
  return undefined;
}

/** Whether the arguments bring a callback along. */
export function hasCallback(args: readonly unknown[]): boolean {
  return args.some(isCallback) || callbackIn(args[0]) !== undefined;
}

/** The callback runs outside of the promise: what it throws is its own, as with pg, and no failure of the query. */
export async function reply<Result>(
  work: Promise<Result>,
  callback: Callback<Result>,
): Promise<void> {
  let answered: () => void;
  try {
    const result = await work;
    answered = () => callback(undefined, result);
  } catch (error) {
    answered = () => callback(error as Error);
  }
  process.nextTick(answered);
}

function isCallback(value: unknown): value is Callback<unknown> {
  return typeof value === 'function';
}

function callbackIn(query: unknown): Callback<unknown> | undefined {
  if (!isRecord(query)) return undefined;
  const { callback } = query;
  return isCallback(callback) ? callback : undefined;
}
