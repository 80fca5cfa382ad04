import { createInterface } from 'node:readline';
import { isForPeople, type Output } from './output.ts';

/** Whether a person can be asked: a document for a program is never interrupted by a question. */
export function canAsk({ json }: { readonly json: boolean }): boolean {
  return !json && process.stdin.isTTY && isForPeople(process.stderr) && !process.env['CI'];
}

/** Asks a question on the terminal. Every answer but `y` and `yes` is no, Ctrl-C and the end of the input too. */
export async function confirm(question: string, output: Output): Promise<boolean> {
  const reading = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await new Promise<string | undefined>((resolve) => {
    reading.on('close', () => resolve(undefined));
    reading.question(`  ${question} [y/N] `, resolve);
  });
  reading.close();
  if (answer === undefined) output.note('');
  return /^y(?:es)?$/i.test(answer?.trim() ?? '');
}
