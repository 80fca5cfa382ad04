import { formatDuration } from '../../../core/duration.ts';
import { printable } from '../../../core/printable.ts';
import type { TenantOutcome } from '../../../core/report.ts';
import type { PluginRecord } from '../../../insight/plugin-record.ts';
import { countSettled, type TenantRecord } from '../../../insight/tenants-record.ts';
import { Band, Section } from '../parts.tsx';

type TenantState = TenantOutcome | 'running' | 'pending';

/** The tenants of a plugin that were to be migrated. Those that failed come first, then those that run. */
export function Tenants({ plugin }: { readonly plugin: PluginRecord }) {
  const { tenants, steps } = plugin;
  if (!tenants) return null;
  const { total, behind, open } = tenants;
  const hasEnded = steps.migrate.finishedAtMs !== undefined;
  const readState = ({ tenant, outcome }: TenantRecord): TenantState => {
    if (outcome !== undefined) return outcome;
    if (open.has(tenant)) return 'running';
    return hasEnded ? 'notReached' : 'pending';
  };
  const sorted = [...behind.values()]
    .map((record) => ({ ...record, state: readState(record) }))
    .toSorted((a, b) => rank(a.state) - rank(b.state));
  return (
    <Section title={total === 1 ? '1 tenant' : `${total} tenants`}>
      {behind.size === 0 ? (
        <p class="soft">up to date</p>
      ) : (
        <p class="soft">{countSettled(tenants)} settled</p>
      )}
      <Band of={sorted} most={20}>
        {({ tenant, state, durationMs }) => (
          <li key={tenant} class="file">
            <span class="name">{printable(tenant)}</span>
            <span class={`state ${classes[state]}`}>{words[state]}</span>
            <span class="number">{durationMs > 0 && formatDuration(durationMs)}</span>
          </li>
        )}
      </Band>
    </Section>
  );
}

function rank(state: TenantState): number {
  return state === 'failed' ? 0 : state === 'running' ? 1 : 2;
}

const words: Readonly<Record<TenantState, string>> = {
  pending: '○ pending',
  running: '▶ runs',
  done: '✓ migrated',
  upToDate: '✓ by another process',
  failed: '✕ failed',
  canceled: '⊘ canceled',
  notReached: '⊘ not reached',
};

/** Those of files, which are painted alike. */
const classes: Readonly<Record<TenantState, string>> = {
  pending: 'pending',
  running: 'running',
  done: 'applied',
  upToDate: 'elsewhere',
  failed: 'failed',
  canceled: 'left',
  notReached: 'left',
};
