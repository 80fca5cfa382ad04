import type { QueryAnswer } from './connection.ts';
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

type Row = Readonly<Record<string, unknown>>;

/** Sends questions in one message that must not be cut in the middle, and hands out their answers. */
export async function askAll(client: PinnedClient, questions: readonly Question[]): Promise<void> {
  handOut(questions, await client.finish<Row>(join(questions)));
}

/** Does the same with questions that an abort may cancel. */
export async function askUnlessAborted(
  client: PinnedClient,
  questions: readonly Question[],
): Promise<void> {
  handOut(questions, await client.query<Row>(join(questions)));
}

function join(questions: readonly Question[]): string {
  return questions.map(({ text }) => text).join(';');
}

/** Several statements in one text answer with a list. */
function handOut(
  questions: readonly Question[],
  answer: QueryAnswer<Row> | readonly QueryAnswer<Row>[],
): void {
  const answers = [answer].flat();
  learnAll(questions, (index) => answers[index]?.rows[0]);
}
