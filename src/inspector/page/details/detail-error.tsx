import type { ErrorRecord } from '../../../core/error-record.ts';
import { listErrorFacts } from '../../../core/format-error.ts';
import { printable } from '../../../core/printable.ts';
import { Facts, Message, Section } from '../parts.tsx';

const names: Readonly<Record<string, string>> = {
  file: 'File',
  state: 'SQLSTATE',
  detail: 'Detail',
  postgres: 'PostgreSQL',
  cause: 'Cause',
  'thrown at': 'Thrown at',
};

interface ErrorProps {
  readonly error: ErrorRecord;
  readonly title: string;
}

/** An error: what happened, where in the file, by what, and what to do. */
export function ErrorDetails({ error, title }: ErrorProps) {
  const { message, hint, position, stack } = error;
  const facts = listErrorFacts(error).flatMap(([name, value]) => {
    const label = names[name];
    return label === undefined ? [] : [[label, value] as const];
  });
  return (
    <Section title={title}>
      <Message text={message} tone="failure" />
      {position?.excerpt !== undefined && <Text>{position.excerpt}</Text>}
      {hint !== undefined && (
        <p class="remedy">
          <strong>What to do: </strong>
          {printable(hint)}
        </p>
      )}
      <Facts of={[...facts, ...listCodes(error)]} />
      {stack !== undefined && (
        <details class="fold">
          <summary>Stack</summary>
          <Text>{listStacks(error).join('\n\n')}</Text>
        </details>
      )}
    </Section>
  );
}

/** A text of several lines, which keeps its columns. */
function Text({ children }: { readonly children: string }) {
  return (
    // The keyboard scrolls it, too.
    <pre tabIndex={0}>{printable(children)}</pre>
  );
}

/** The code of the error, and that of its first cause: `ECONNREFUSED` says more than `INIT_FAILED`. */
function listCodes(error: ErrorRecord): readonly (readonly [string, string])[] {
  const { code, database } = error;
  let root = error;
  while (root.cause) root = root.cause;
  const isNew = root.code !== code && root.code !== database?.sqlState;
  return [
    ...(code === undefined ? [] : [['Code', code] as const]),
    ...(root.code !== undefined && isNew ? [['Cause', root.code] as const] : []),
  ];
}

function listStacks(error: ErrorRecord): readonly string[] {
  const stacks: string[] = [];
  for (let next: ErrorRecord | undefined = error; next; next = next.cause) {
    if (next.stack !== undefined) stacks.push(next.stack);
  }
  return stacks;
}
