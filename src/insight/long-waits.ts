import { describeBlocker, describeHolder } from '../core/describe-session.ts';
import { formatDuration } from '../core/duration.ts';
import { joinNames, printable, shorten } from '../core/printable.ts';
import type { Step } from '../core/steps.ts';
import { isWorthALook, type Evidence, type Finding } from './finding.ts';
import { listSegments, type Segment, type SegmentKind } from './segments.ts';
import { launchSteps } from './step-times.ts';
import type { Story } from './story.ts';
import { firstLine } from './step-words.ts';

type Waiting = Segment & { readonly plugin: string; readonly step: Step };

/** Waits that are much of the boot, one finding for each reason. */
export function findWaits(story: Story): readonly Finding[] {
  const waiting = story.record.plugins.flatMap((plugin) =>
    launchSteps.flatMap((step) =>
      listSegments(story.times, plugin, step)
        .filter(({ hasBegun }) => hasBegun)
        .map((segment) => ({ ...segment, plugin: plugin.id, step })),
    ),
  );
  const of = (kind: SegmentKind): readonly Waiting[] =>
    waiting.filter((each) => each.kind === kind);
  return [
    ...findLockWaits(story, of('lock')),
    ...findConnectionWaits(story, of('connection')),
    ...findPauses(story),
    ...findRetries(story, of('retry')),
  ];
}

/** The longest first, in words. */
function toEvidence(
  waits: readonly Waiting[],
  describe: (wait: Waiting) => string,
): readonly Evidence[] {
  return waits
    .map((wait) => ({ wait, ms: wait.endMs - wait.startMs }))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, 10)
    .map(({ wait, ms }) => ({
      plugin: wait.plugin,
      step: wait.step,
      ms,
      fact: `${wait.plugin} waited ${formatDuration(ms)}${describe(wait)}`,
    }));
}

/** How long at least one of them went on: side by side they count once. */
function measure(waits: readonly { readonly startMs: number; readonly endMs: number }[]): number {
  let totalMs = 0;
  let untilMs = 0;
  for (const { startMs, endMs } of waits.toSorted((a, b) => a.startMs - b.startMs)) {
    totalMs += Math.max(0, endMs - Math.max(startMs, untilMs));
    untilMs = Math.max(untilMs, endMs);
  }
  return totalMs;
}

function names(waits: readonly Waiting[]): string {
  return joinNames(shorten([...new Set(waits.map(({ plugin }) => plugin))], 3));
}

function findLockWaits(story: Story, locks: readonly Waiting[]): readonly Finding[] {
  const ms = measure(locks);
  if (!isWorthALook(story, ms)) return [];
  return [
    {
      id: 'lock-wait',
      title: `${names(locks)} waited ${formatDuration(ms)} for migration locks of another process`,
      why: 'Another replica, or a migrate job, had the lock, and a schema is migrated by one process at a time',
      caveat: 'Replicas that start at the same time wait for the first of them, which is no fault',
      evidence: toEvidence(locks, ({ holder }) =>
        holder ? `: ${printable(describeHolder(holder))} had the lock` : '',
      ),
    },
  ];
}

function findConnectionWaits(story: Story, connections: readonly Waiting[]): readonly Finding[] {
  const ms = measure(connections);
  if (!isWorthALook(story, ms)) return [];
  const { poolSize, slots } = story.record.start ?? {};
  const isSmall = poolSize !== undefined && slots !== undefined && poolSize <= slots.migrate;
  return [
    {
      id: 'connection-wait',
      title: `${names(connections)} waited ${formatDuration(ms)} for a client of the pool`,
      why: isSmall
        ? `The pool has no more clients than migrations may run at once (${poolSize}), and other users of it take some of them`
        : 'The server was slow to accept connections, or other users of the pool had its clients',
      caveat: 'The first connections of a process always take some time',
      evidence: toEvidence(connections, ({ reason }) =>
        reason === undefined ? '' : `: ${firstLine(reason)}`,
      ),
    },
  ];
}

const pauses = {
  database: {
    id: 'database-wait',
    title: 'for PostgreSQL',
    why: 'The server did not answer, or did not accept connections yet',
    caveat: 'In a test or a compose file the server often starts beside the application',
  },
  connection: {
    id: 'connection-wait',
    title: 'for a client of the pool',
    why: 'The pool, or the server, had no connection left for the survey',
    caveat: 'The first connections of a process always take some time',
  },
  disk: {
    id: 'disk-wait',
    title: 'for the disk of PostgreSQL',
    why: 'Migrations of a first install commit without waiting for the disk, and all of them wait for it once, before any init',
    caveat: 'A synchronous standby is part of it: one that is slow or away is waited for as well',
  },
  gate: {
    id: 'migration-wait',
    title: 'for migrations that another process applies',
    why: 'With migrations.mode wait a boot applies no files, and waits until none is pending',
    caveat: 'It is as it should be while a migrate job runs',
  },
} as const;

/** The waits of the boot as a whole. */
function findPauses(story: Story): readonly Finding[] {
  const { record, nowMs } = story;
  return (['database', 'connection', 'disk', 'gate'] as const).flatMap((of): readonly Finding[] => {
    const found = record.pauses
      .filter((pause) => (pause === record.flush ? 'disk' : pause.kind) === of)
      .map(({ startMs, endMs = nowMs, reason }) => ({ startMs, endMs, reason }));
    const ms = measure(found);
    if (!isWorthALook(story, ms)) return [];
    const { title, ...words } = pauses[of];
    return [
      {
        ...words,
        title: `The boot waited ${formatDuration(ms)} ${title}`,
        evidence: found.map(({ startMs, endMs, reason }) => ({
          ms: endMs - startMs,
          fact: `${formatDuration(endMs - startMs)}: ${firstLine(reason)}`,
        })),
      },
    ];
  });
}

function findRetries(story: Story, retries: readonly Waiting[]): readonly Finding[] {
  const ms = measure(retries);
  if (!isWorthALook(story, ms)) return [];
  const blockers = retries.flatMap(({ blockers: found = [] }) => found);
  const [first] = blockers;
  return [
    {
      id: 'retries',
      title: `${names(retries)} paused ${formatDuration(ms)} between attempts`,
      why: first
        ? `Sessions of other applications had locked what the files change, such as ${printable(describeBlocker(first))}`
        : 'Each of these attempts failed, and the next one came after a pause',
      caveat: 'The attempts themselves took time as well, which is not counted here',
      evidence: toEvidence(retries, ({ reason, blockers: found = [] }) => {
        const who = found.map((each) => printable(describeBlocker(each))).join('; ');
        return `${reason === undefined ? '' : `: ${firstLine(reason)}`}${who === '' ? '' : ` (in the way: ${who})`}`;
      }),
    },
  ];
}
