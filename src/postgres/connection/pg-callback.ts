/** pg's two ways to be called: with a callback at the end, or for a promise. */
export function answer(
  run: (args: readonly unknown[]) => Promise<unknown>,
  args: readonly unknown[],
): Promise<unknown> | undefined {
  const callback = args.at(-1);
  if (typeof callback !== 'function') return run(args);
  void reply(run(args.slice(0, -1)), callback as Callback<unknown>);
  return undefined;
}

type Callback<Result> = (error: Error | undefined, result?: Result) => void;

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
