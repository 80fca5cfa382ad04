import { describeBlocker } from '../../../core/describe-session.ts';
import { formatDuration } from '../../../core/duration.ts';
import type { LockBlocker, LockHolder } from '../../../core/waits.ts';
import type { Cause } from '../../../insight/why.ts';
import type { ViewProps } from '../view-props.ts';
import { Facts, Linked, Section } from '../parts.tsx';

interface WhyProps extends Pick<ViewProps, 'select'> {
  readonly chain: readonly Cause[];
  /** The plugin whose details are shown: it needs no link to itself. */
  readonly id: string;
}

/** The causes of a plugin's state, from the plugin to the root. */
export function Why({ chain, id, select }: WhyProps) {
  return (
    <Section title="Why">
      <ol class="causes">
        {chain.map(({ plugin, because, session }, index) => (
          <li key={plugin ?? index} class={index === chain.length - 1 ? 'root' : undefined}>
            {session ? (
              <SessionCard session={session} because={because} />
            ) : (
              <Linked
                // The card below says more of the holder.
                text={chain[index + 1]?.session ? (because.split(', held by ')[0] ?? '') : because}
                plugin={plugin === id ? undefined : plugin}
                select={select}
              />
            )}
          </li>
        ))}
      </ol>
    </Section>
  );
}

interface SessionProps {
  readonly session: LockHolder | LockBlocker;
  readonly because: string;
}

/** A session of another process: who it is, and what it does. */
function SessionCard({ session, because }: SessionProps) {
  const { pid, applicationName, state, transactionMs } = session;
  const since = transactionMs === undefined ? '' : ` for ${formatDuration(transactionMs)}`;
  const { host, ageMs } = 'host' in session || 'ageMs' in session ? session : {};
  const relation = 'relation' in session ? session.relation : undefined;
  const isHolder = because.endsWith('holds the lock');
  return (
    <div class="session">
      <p>
        <strong>
          {isHolder ? 'Another process holds the lock' : 'It waits for another session'}
        </strong>
      </p>
      <Facts
        of={[
          ['Session', `pid ${pid}`],
          ['Application', applicationName || undefined],
          ['Host', host],
          ['State', state && `${state}${since}`],
          ['Connected', ageMs === undefined ? undefined : `for ${formatDuration(ageMs)}`],
          ['Has locked', relation],
        ]}
      />
    </div>
  );
}

/** The sessions that were in the way, in words. */
export function listBlockers(blockers: readonly LockBlocker[]): string {
  return blockers.map(describeBlocker).join('; ');
}
