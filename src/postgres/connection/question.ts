import type { PinnedClient } from './pinned-client.ts';

/** A statement whose answer may be of interest, sent among others. */
export interface Question {
  readonly text: string;
  /** Whether the same text comes with each file. */
  readonly isRepeated?: boolean;
  /** Takes the first value of the first row; left out when the statement has nothing to say. */
  readonly learn?: (value: string) => void;
}

/**
 * Hands each answer to its question.
 *
 * @param readFirst Returns the first row of the answer to the question at this index.
 */
export function learnAll(
  questions: readonly Question[],
  readFirst: (index: number) => Readonly<Record<string, unknown>> | readonly unknown[] | undefined,
): void {
  for (const [index, { learn }] of questions.entries()) {
    const [value] = learn ? Object.values(readFirst(index) ?? {}) : [];
    if (typeof value === 'string') learn?.(value);
  }
}

/** Sends questions in one message that must not be cut in the middle, and hands out their answers. */
export async function askAll(client: PinnedClient, questions: readonly Question[]): Promise<void> {
  const sql = questions.map(({ text }) => text).join(';');
  const answers = [await client.finish<Readonly<Record<string, unknown>>>(sql)].flat();
  learnAll(questions, (index) => answers[index]?.rows[0]);
}
