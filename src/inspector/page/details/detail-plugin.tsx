import { formatDuration } from '../../../core/duration.ts';
import { printable } from '../../../core/printable.ts';
import { steps } from '../../../core/steps.ts';
import { listLostBy } from '../../../insight/headline.ts';
import { findRunningFile } from '../../../insight/open-steps.ts';
import type { PluginRecord } from '../../../insight/plugin-record.ts';
import { describeStatus } from '../../../insight/status.ts';
import { nameGoal } from '../../../insight/step-words.ts';
import { findLoss, why } from '../../../insight/why.ts';
import type { ViewProps } from '../view-props.ts';
import { ErrorDetails } from './detail-error.tsx';
import { Files } from './detail-files.tsx';
import { Order } from './detail-order.tsx';
import { Problems } from './detail-warnings.tsx';
import { Band, Facts, PluginLink, Section } from '../parts.tsx';
import { Pauses } from './detail-pauses.tsx';
import { Tenants } from './detail-tenants.tsx';
import { Time } from './detail-time.tsx';
import { Why } from './detail-why.tsx';

interface PluginProps extends Pick<ViewProps, 'story' | 'select'> {
  readonly plugin: PluginRecord;
}

/** Causes that stand elsewhere in the details, when the plugin itself is the root. */
const isSaid: ReadonlySet<string | undefined> = new Set(['work', 'failed', 'up', 'stopped']);

/** Everything about one plugin. What answers most questions comes first. */
export function Plugin({ story, plugin, select }: PluginProps) {
  const { id } = plugin;
  const { chain } = why(story, id);
  const problems = story.record.problems.filter((problem) => problem.plugin === id);
  const isAnswer = chain.length > 1 || !isSaid.has(chain[0]?.kind);
  return (
    <>
      <Subject story={story} plugin={plugin} />
      {isAnswer && <Why chain={chain} id={id} select={select} />}
      <Problems of={problems} select={select} />
      <Failure story={story} plugin={plugin} root={chain.at(-1)?.plugin} select={select} />
      <Running story={story} plugin={plugin} />
      <Pauses story={story} plugin={plugin} />
      <Time story={story} plugin={plugin} />
      <Tenants plugin={plugin} />
      <Files story={story} plugin={plugin} />
      <Order story={story} id={id} select={select} />
      <Section title="Database">
        <Facts of={listDatabaseFacts(plugin)} />
      </Section>
    </>
  );
}

function Subject({ story, plugin }: Omit<PluginProps, 'select'>) {
  const { glyph, tone, words, time } = describeStatus(story.times, plugin);
  return (
    <header class="subject">
      <h2>
        {printable(plugin.id)}
        {plugin.version !== undefined && <small> {printable(plugin.version)}</small>}
        <small class="badge">{plugin.required ? 'required' : 'optional'}</small>
      </h2>
      <p class={`now ${tone}`}>
        <span aria-hidden="true">{glyph}</span> {words} <span class="soft">{time}</span>
      </p>
    </header>
  );
}

interface FailureProps extends PluginProps {
  readonly root: string | undefined;
}

/** The error that the plugin, or the root of its causes, failed by, and who did not start because of it. */
function Failure({ story, plugin, root, select }: FailureProps) {
  const culprit = root === undefined ? plugin : (story.record.find(root) ?? plugin);
  const error = steps.map((step) => culprit.steps[step].error).find(Boolean);
  if (!error) return null;
  const goal = nameGoal(story.record);
  const isLost = findLoss(story.times, culprit)?.step !== 'stop';
  const others = isLost ? listLostBy(story.times, culprit).filter((id) => id !== plugin.id) : [];
  return (
    <>
      <ErrorDetails error={error} title={culprit === plugin ? 'Error' : `Error of ${culprit.id}`} />
      {others.length > 0 && (
        <Section
          title={
            others.length === 1
              ? `1 other did not ${goal} because of it`
              : `${others.length} others did not ${goal} because of it`
          }
        >
          <Band of={others} most={12} isFlow>
            {(id) => (
              <li key={id}>
                <PluginLink id={id} select={select} />
              </li>
            )}
          </Band>
        </Section>
      )}
    </>
  );
}

/** The migration that goes on. It keeps its place between two files, so that nothing jumps. */
function Running({ story, plugin }: Omit<PluginProps, 'select'>) {
  const {
    tenants,
    steps: { migrate },
  } = plugin;
  const running = findRunningFile(plugin, story.nowMs);
  const last = tenants ? running : migrate.files.at(-1);
  if (!last || migrate.finishedAtMs !== undefined) return null;
  const { tenant, statement, statements, line, command, forMs } = running ?? {};
  const place = [
    statement !== undefined && `${statement}`,
    statement !== undefined && statements !== undefined && ` of ${statements}`,
    line !== undefined && `, line ${line}`,
  ];
  return (
    <Section title="Running now">
      <Facts
        of={[
          ['Tenant', tenant],
          ['File', `${last.file} (${last.index} of ${last.of})`],
          ['Statement', place.filter(Boolean).join('') || '–'],
          ['Command', command || '–'],
          ['Runs for', forMs === undefined ? '–' : formatDuration(forMs)],
        ]}
      />
      {!tenants && (
        <label class="progress">
          <progress value={plugin.applied.length} max={plugin.pending.length} />
          {plugin.applied.length} of {plugin.pending.length} files applied
        </label>
      )}
    </Section>
  );
}

function listDatabaseFacts({ schema, tenants, steps: { migrate } }: PluginRecord) {
  if (tenants) return [['Schema', 'one for each tenant']] as const;
  return [
    ['Schema', schema ?? 'none yet'],
    ['Session', migrate.backendPid === undefined ? undefined : `pid ${migrate.backendPid}`],
    ['Slot', migrate.slot === undefined ? undefined : `${migrate.slot}`],
  ] as const;
}
