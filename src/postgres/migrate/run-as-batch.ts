import type { HeldMigrationLock } from './migration-lock.ts';
import { learnAll, type Question } from '../connection/question.ts';
import {
  beginStatement,
  type FileStatement,
  type Migrating,
  type PreparedFile,
} from './migrating.ts';
import { closingSql, openingSql } from './transaction-sql.ts';

/** A statement of the batch, and which of the file it is, if any. */
interface Part extends Question {
  readonly statement?: FileStatement;
}

/**
 * Sends a file in one message: what opens the transaction, each statement, and what closes it. PostgreSQL answers each as soon
 * as it has run, so that events are sent as always, and runs nothing after an error. The message arrives on one connection, or
 * not at all, so that session and transaction are compared once, before the COMMIT.
 */
export async function sendAsBatch(
  run: Migrating,
  held: HeldMigrationLock,
  file: PreparedFile,
  statements: readonly FileStatement[],
): Promise<void> {
  const { client, progress } = run;
  const parts: readonly Part[] = [
    ...openingSql(run, held),
    ...statements.flatMap((statement) => toParts(run, statement)),
    ...closingSql(run, held, file),
  ];
  const firstOfClosing = parts.findLastIndex(({ statement }) => statement) + 1;
  let end: (() => void) | undefined;
  const begin = (index: number): void => {
    end?.();
    end = undefined;
    const statement = parts[index]?.statement;
    if (statement) end = beginStatement(run, statement);
    else if (index >= firstOfClosing) progress.isCommitting = true;
  };
  progress.isSentWhole = true;
  const answers = await client.sendBatch(
    parts.map(({ text, isRepeated, learn }) => ({
      text,
      isRepeated: isRepeated === true,
      isQuestion: learn !== undefined,
    })),
    (index) => begin(index + 1),
  );
  learnAll(parts, (index) => answers[index]?.[0]);
}

function toParts({ extensions }: Migrating, statement: FileStatement): readonly Part[] {
  const { text } = statement.query;
  const look = extensions.afterStatement(text);
  return [{ text, statement }, ...(look === undefined ? [] : [{ text: look }])];
}
