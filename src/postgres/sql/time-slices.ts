/** How long synchronous work goes on before everything else in this process has a turn, in ms. */
const sliceMs = 2;
let sliceBeganAt = 0;

/**
 * Gives everything else in this process a turn when a slice of work is over. For the small files of a folder, reading in slices
 * takes a third of the time that reading through the thread pool takes.
 *
 * @example for (const file of files) { await letOthersRun(); read(file); }
 */
export async function letOthersRun(): Promise<void> {
  if (performance.now() - sliceBeganAt >= sliceMs) await nextTurn();
}

/** Gives everything else in this process a turn, after a piece of work that fills a slice by itself. */
export async function nextTurn(): Promise<void> {
  await new Promise(setImmediate);
  sliceBeganAt = performance.now();
}
