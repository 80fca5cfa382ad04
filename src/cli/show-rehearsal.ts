import type { Rehearsal, RehearsedFile, RehearsedLock } from '../index.ts';
import { formatDuration } from '../insight.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';
import { count, type Page } from './page.ts';

type Plugin = Rehearsal['plugins'][number];

const places = {
  database: 'on the database itself, and rolled back',
  copy: 'on a copy, which was dropped',
  other: 'on the other database, and kept',
} as const;

const words = {
  done: 'done',
  failed: 'fails',
  locked: 'waits for a lock',
  leftOut: 'left out',
  late: 'takes too long',
  notReached: 'not reached',
  unsure: 'fails, perhaps',
} as const satisfies Readonly<Record<RehearsedFile['outcome'], string>>;

/** Adds a rehearsal to the page of a plan: a table with a row for each file, and what to know before the deploy. */
export function describeRehearsal(page: Page, rehearsal: Rehearsal): void {
  const { on, because, durationMs, plugins, left = [] } = rehearsal;
  if (because !== undefined) {
    page.title('The rehearsal did not run');
    page.line(`  ${because}`);
  } else {
    page.title(`The rehearsal ran ${places[on]}, in ${formatDuration(durationMs)}`);
    if (plugins.length === 0) page.line('  There was nothing to run.');
  }
  page.table(
    [
      { title: 'plugin', isElastic: true },
      { title: 'file', isElastic: true },
      { title: 'result' },
      { title: 'time', align: 'right' },
      { title: 'rows', align: 'right' },
      { title: 'strongest lock', isElastic: true, isCutAtEnd: true, tone: 'soft' },
    ],
    plugins.flatMap((plugin) => plugin.files.map((file) => toRow(plugin, file))),
  );
  for (const plugin of plugins) {
    if (plugin.because !== undefined || plugin.error) addPlugin(page, plugin);
    for (const file of plugin.files) addFile(page, plugin, file);
  }
  const locks = plugins.flatMap((plugin) =>
    plugin.files.flatMap(({ file, locks: all = [] }) =>
      all.length === 0
        ? []
        : [[`${nameOf(plugin)} ${file}`, all.map(describeLock).join('; ')] as const],
    ),
  );
  if (locks.length > 0) page.title('Locks on what is there already');
  page.list(locks);
  for (const name of left) {
    page.point('warning', `the copy ${name} of a rehearsal is still there`, [
      `→ DROP DATABASE "${name}";`,
    ]);
  }
}

function toRow(
  plugin: Plugin,
  { file, outcome, durationMs, rows, locks }: RehearsedFile,
): readonly string[] {
  const written = (rows ?? []).reduce(
    (sum, { inserted, updated, deleted }) => sum + inserted + updated + deleted,
    0,
  );
  const [strongest] = locks ?? [];
  return [
    nameOf(plugin),
    file,
    words[outcome],
    durationMs === undefined ? '' : formatDuration(durationMs),
    written === 0 ? '' : String(written),
    strongest ? `${strongest.mode} on ${strongest.relation}` : '',
  ];
}

function nameOf({ id, tenant }: Plugin): string {
  return tenant === undefined ? id : `${id}/${tenant}`;
}

function addPlugin(page: Page, plugin: Plugin): void {
  const { because, error, outcome } = plugin;
  const text = because ?? error?.message ?? words[outcome];
  page.point(
    outcome === 'failed' ? 'bad' : 'warning',
    `${nameOf(plugin)} was not rehearsed: ${text}`,
  );
}

function addFile(page: Page, plugin: Plugin, rehearsed: RehearsedFile): void {
  const { file, outcome, because, error, rewrites = [] } = rehearsed;
  const name = `${nameOf(plugin)}: ${file}`;
  const hint = error?.hint === undefined ? [] : [`→ ${error.hint}`];
  if (outcome === 'failed') {
    const excerpt = error?.position?.excerpt?.split('\n') ?? [];
    page.point('bad', `${name} would fail: ${error?.message ?? ''}`, excerpt);
  } else if (error) {
    const why = because === undefined ? [] : [because];
    page.point('warning', `${name} ${words[outcome]}: ${error.message}`, [...why, ...hint]);
  } else if (because !== undefined) {
    page.point(outcome === 'done' ? 'soft' : 'warning', `${name} ${words[outcome]}: ${because}`);
  }
  for (const { kind, ...about } of rewrites) {
    const what = `${about.relation}${describeSize(about)}`;
    if (kind === 'table') {
      page.point(
        'warning',
        `${name} writes the table ${what} anew: the larger it is, the longer it takes, and the lock is held as long`,
      );
    } else if (kind === 'index') page.point('warning', `${name} builds the index ${what} anew`);
  }
}

/** `ACCESS EXCLUSIVE on plugin_shop.orders (1.2 GB, about 3,400,000 rows)` */
function describeLock(lock: RehearsedLock): string {
  return `${lock.mode} on ${lock.relation}${describeSize(lock)}`;
}

function describeSize({
  bytes,
  rows,
}: {
  readonly bytes?: number;
  readonly rows?: number;
}): string {
  const facts = [
    ...(bytes === undefined ? [] : [formatBytes(bytes)]),
    ...(rows === undefined ? [] : [`about ${rows.toLocaleString('en')} rows`]),
  ];
  return facts.length === 0 ? '' : ` (${facts.join(', ')})`;
}

/** Writes a size as PostgreSQL does, in steps of 1,024: `56 kB`, `1.2 GB`. */
function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  const size = bytes / 1_024 ** step;
  return `${size < 10 && step > 0 ? size.toFixed(1) : Math.round(size)} ${units[step]}`;
}

/** Says on standard error what a rehearsal has found, and returns the exit code. A file that was left out is no finding. */
export function checkRehearsal({ because, plugins }: Rehearsal, output: Output): ExitCode {
  const files = plugins.flatMap((plugin) => plugin.files);
  const countOf = (...outcomes: readonly RehearsedFile['outcome'][]): number =>
    files.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const say = (number: number, what: string): readonly string[] =>
    number === 0 ? [] : [`${count(number, 'file')} that ${what}`];
  const found = [
    ...(because === undefined ? [] : ['a reason not to run']),
    ...say(countOf('failed'), 'would fail'),
    ...say(countOf('unsure'), 'may fail'),
    ...say(countOf('locked'), 'could not get a lock'),
    ...say(countOf('late'), 'took too long'),
    ...say(countOf('notReached'), 'did not run'),
  ];
  const isStopped = plugins.some(({ outcome }) => outcome !== 'done' && outcome !== 'leftOut');
  if (found.length === 0 && !isStopped) return 0;
  output.note(`The rehearsal found ${found.join(', ') || 'a plugin that could not begin'}.`);
  return 3;
}
