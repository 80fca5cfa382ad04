import { formatDuration } from '../../../core/duration.ts';
import { printable } from '../../../core/printable.ts';
import type { Phase } from '../../../core/steps.ts';
import type { Story } from '../../../insight/story.ts';
import type { ViewProps } from '../view-props.ts';
import { listChanges } from '../../../insight/list-changes.ts';
import { ErrorDetails } from './detail-error.tsx';
import { Band, Facts, Message, Section } from '../parts.tsx';
import { Problems } from './detail-warnings.tsx';

interface BootProps extends Pick<ViewProps, 'story' | 'select' | 'choose'> {
  /** Whether no plugin stands above it: then the boot itself is the answer. */
  readonly isAlone: boolean;
}

/** The facts of the whole boot, and what it failed by when that was no plugin's step. */
export function Boot({ story, isAlone, select, choose }: BootProps) {
  const { finished, problems, launch } = story.record;
  const what = launch === undefined ? 'boot' : 'launch';
  const error = isAlone ? finished?.error : undefined;
  const facts = (
    <>
      <Facts of={listFacts(story)} />
      <Phases story={story} />
    </>
  );
  if (!isAlone) {
    return (
      <details class="part fold">
        <summary>This {what}</summary>
        <Changes story={story} choose={choose} />
        {facts}
      </details>
    );
  }
  return (
    <>
      <header class="subject">
        <h2>The {what}</h2>
      </header>
      <Changes story={story} choose={choose} />
      <Waits story={story} />
      <Problems of={problems} select={select} />
      {error && <ErrorDetails error={error} title="Error" />}
      <Section title="Facts">{facts}</Section>
    </>
  );
}

/** The waits of the whole boot: for PostgreSQL, for a client, for migrations of another process. The last one comes first. */
function Waits({ story: { record, nowMs } }: Pick<BootProps, 'story'>) {
  if (record.pauses.length === 0) return null;
  return (
    <Section title="Waits of the whole boot">
      <Band of={record.pauses.toReversed()} most={5}>
        {({ startMs, endMs, reason, error, untilMs }) => (
          <li key={startMs} class="note">
            <Message text={reason} />
            {error !== undefined && !reason.includes(error) && <Message text={error} />}
            <p class="soft">
              {endMs === undefined ? 'has waited' : 'waited'}{' '}
              {formatDuration((endMs ?? nowMs) - startMs)}
              {endMs === undefined && untilMs !== undefined && `, ${describeNext(untilMs - nowMs)}`}
            </p>
          </li>
        )}
      </Band>
    </Section>
  );
}

function describeNext(inMs: number): string {
  return inMs <= 0
    ? 'the next attempt is due'
    : `the next attempt comes in ${formatDuration(inMs)}`;
}

function listFacts({ record, bootId, end, endMs, isFull }: Story) {
  const { start, finished, database, survey, startedAt, launch } = record;
  const server = database ?? survey;
  const outcome = end === 'cutOff' ? 'cut off: the process ended' : finished?.outcome;
  const enabled = record.plugins.filter((plugin) => plugin.enabled).length;
  const disabled = record.plugins.length - enabled;
  return [
    ['Outcome', outcome ?? 'running'],
    ['Time', formatDuration(endMs)],
    ['Plugins', disabled === 0 ? `${enabled}` : `${enabled}, and ${disabled} disabled`],
    ['Application', start?.hostApp && [start.hostApp.name, start.hostApp.version].join(' ')],
    ['Process', start && `pid ${start.pid} on ${start.host}`],
    ['Started', startedAt === undefined ? undefined : new Date(startedAt).toISOString()],
    [
      'Before it',
      start && launch === undefined
        ? `the process ran ${formatDuration(start.processUptimeMs)}`
        : undefined,
    ],
    ['Versions', start && `Slipway ${start.versions.slipway}, Node.js ${start.versions.node}`],
    [
      'Database',
      server && `PostgreSQL ${server.server}${server.pooler ? ', behind a pooler' : ''}`,
    ],
    ['Slots', start && `${start.slots.migrate} to migrate, ${start.slots.init} to start`],
    ['Pool', start && (start.poolSize === 1 ? '1 client' : `${start.poolSize} clients`)],
    ['Stopped', record.stopping?.reason],
    ['Recording', isFull ? 'was full: later details are left out' : undefined],
    ['Launch', launch === undefined ? undefined : `${launch}`],
    ['Boot', bootId],
  ] as const;
}

const phaseNames: Readonly<Record<Phase, string>> = {
  discover: 'Discover',
  sort: 'Sort',
  migrateAll: 'Migrate',
  initAll: 'Start',
  stopAll: 'Stop',
};
const outcomeWords = {
  done: '✓ done',
  failed: '✕ failed',
  canceled: '⊘ stopped',
  running: '▶ runs',
} as const;

function Phases({ story: { record, nowMs } }: Pick<BootProps, 'story'>) {
  if (record.phases.length === 0) return null;
  return (
    <table class="rows">
      <caption>Phases</caption>
      <thead>
        <tr>
          <th scope="col">Phase</th>
          <th scope="col">State</th>
          <th scope="col">Begins</th>
          <th scope="col">Takes</th>
        </tr>
      </thead>
      <tbody>
        {record.phases.map(({ phase, outcome, startMs, endMs = nowMs }) => (
          <tr key={phase}>
            <th scope="row">{phaseNames[phase]}</th>
            <td>{outcomeWords[outcome]}</td>
            <td>{formatDuration(startMs)}</td>
            <td>{formatDuration(endMs - startMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The plugins that came and went while the boot was up. */
function Changes({ story: { record, nowMs }, choose }: Pick<BootProps, 'story' | 'choose'>) {
  const changes = listChanges(record);
  if (changes.length === 0) return null;
  return (
    <Section title="Added and removed">
      <table class="rows changes">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Begins</th>
            <th scope="col">Takes</th>
          </tr>
        </thead>
        <tbody>
          {changes.map(({ launch, says, startMs, endMs = nowMs }, at) => (
            <tr key={at}>
              <th scope="row">
                {launch === undefined ? (
                  printable(says)
                ) : (
                  <button type="button" class="link" onClick={() => choose(launch)}>
                    {printable(says)}
                  </button>
                )}
              </th>
              <td>{formatDuration(startMs)}</td>
              <td>{formatDuration(endMs - startMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}
