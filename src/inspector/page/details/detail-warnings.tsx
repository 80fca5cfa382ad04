import type { Warning } from '../../../core/error-codes.ts';
import { printable } from '../../../core/printable.ts';
import type { ViewProps } from '../view-props.ts';
import { Band, Message, PluginLink, Section } from '../parts.tsx';

interface WarningsProps extends Pick<ViewProps, 'select'> {
  readonly of: readonly Warning[];
}

/** The warnings of a boot: their number is always in sight, and they unfold above it. */
export function Warnings({ of, select }: WarningsProps) {
  if (of.length === 0) return null;
  return (
    <details class="warnings">
      <summary>
        <span aria-hidden="true">⚠ </span>
        {of.length === 1 ? '1 warning' : `${of.length} warnings`}
      </summary>
      <Notes of={of} select={select} />
    </details>
  );
}

/** The problems that a boot failed by before anything ran. */
export function Problems({ of, select }: WarningsProps) {
  if (of.length === 0) return null;
  return (
    <Section title={of.length === 1 ? 'The problem' : `${of.length} problems`}>
      <div class="problems">
        <Notes of={of} select={select} />
      </div>
    </Section>
  );
}

/** Warnings or problems, each with its plugin, its file and what to do. */
function Notes({ of, select }: WarningsProps) {
  return (
    <Band of={of} most={50}>
      {({ plugin, file, code, message, hint }, index) => (
        <li key={index} class="note">
          <Message text={message} />
          {(plugin !== undefined || file !== undefined || code !== undefined) && (
            <p class="soft">
              {plugin !== undefined && <PluginLink id={plugin} select={select} />}
              {file !== undefined && <span> {printable(file)}</span>}
              {code !== undefined && <code> {printable(code)}</code>}
            </p>
          )}
          {hint !== undefined && <p class="remedy">{printable(hint)}</p>}
        </li>
      )}
    </Band>
  );
}
