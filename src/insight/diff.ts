import type { AppName } from '../core/events.ts';
import { joinNames, shorten } from '../core/printable.ts';
import type { ChainLink } from '../core/report.ts';
import type { PluginRecord } from './plugin-record.ts';
import { criticalChain } from './critical-chain.ts';
import type { Story } from './story.ts';

/** A part of the difference between two boots. */
export interface DiffPart {
  /** Left out for work that belongs to no plugin. */
  readonly plugin?: string;
  readonly step: ChainLink['step'];
  readonly kind: ChainLink['kind'];
  /** Positive when the second boot spent more time on it. */
  readonly ms: number;
}

/** The facts that two boots may differ in. The list is closed. */
export type ChangeKind =
  | 'app'
  | 'slipway'
  | 'node'
  | 'server'
  | 'pooler'
  | 'slots'
  | 'pool'
  | 'until'
  | 'outcome'
  | 'plugin'
  | 'version'
  | 'required'
  | 'enabled'
  | 'files'
  | 'edge';

/** A fact that is not the same in two boots. */
export interface Change {
  readonly kind: ChangeKind;
  readonly plugin?: string;
  /** Left out when there was none. */
  readonly before?: string;
  readonly after?: string;
  /** The same in words. */
  readonly sentence: string;
}

/** The difference between two boots. */
export interface Diff {
  /** Positive when the second boot took longer. */
  readonly totalMs: number;
  /** They add up to `totalMs`; the largest comes first. */
  readonly parts: readonly DiffPart[];
  readonly changes: readonly Change[];
}

/**
 * Compares two boots: where the second one lost or saved its time, along the chains that decided how long they took, and what
 * is not the same in them.
 *
 * @example
 * const { totalMs, parts, changes } = diff(yesterday, today);
 * console.log(`${totalMs} ms more, most of it in ${parts[0]?.plugin}`, changes.map(({ sentence }) => sentence));
 */
export function diff(before: Story, after: Story): Diff {
  return {
    totalMs: after.endMs - before.endMs,
    parts: compareChains(before, after),
    changes: [
      ...compareFacts(before, after),
      ...comparePlugins(before, after),
      ...compareEdges(before, after),
    ],
  };
}

function compareChains(before: Story, after: Story): readonly DiffPart[] {
  const [was, is] = [sumLinks(before), sumLinks(after)];
  const parts = [...new Map([...was, ...is])].map(([key, part]) => ({
    ...part,
    ms: (is.get(key)?.ms ?? 0) - (was.get(key)?.ms ?? 0),
  }));
  return parts.filter(({ ms }) => ms !== 0).toSorted((a, b) => Math.abs(b.ms) - Math.abs(a.ms));
}

function sumLinks(story: Story): ReadonlyMap<string, DiffPart> {
  const sums = new Map<string, DiffPart>();
  for (const { plugin, step, kind, startMs, endMs } of listLinks(story)) {
    const key = `${plugin ?? ''} ${step} ${kind}`;
    const ms = (sums.get(key)?.ms ?? 0) + endMs - startMs;
    sums.set(key, { ...(plugin !== undefined && { plugin }), step, kind, ms });
  }
  return sums;
}

/** Before the first phase there is no chain. */
function listLinks(story: Story): readonly ChainLink[] {
  const chain = criticalChain(story);
  const { endMs } = story;
  return chain.length > 0
    ? chain
    : [{ step: 'discover', kind: 'work', startMs: 0, endMs, via: 'start' }];
}

/** A change, unless both are the same. */
function compare(
  kind: ChangeKind,
  what: string,
  before: string | undefined,
  after: string | undefined,
  plugin?: string,
): readonly Change[] {
  if (before === after) return [];
  const sentence =
    before === undefined
      ? `${what} is ${after}, and was not known`
      : after === undefined
        ? `${what} was ${before}, and is not known`
        : `${what} was ${before}, and is ${after}`;
  return [
    {
      kind,
      ...(plugin !== undefined && { plugin }),
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after }),
      sentence,
    },
  ];
}

function nameApp(app: AppName | undefined): string | undefined {
  return app && [app.name, app.version].filter(Boolean).join(' ');
}

function compareFacts({ record: a }: Story, { record: b }: Story): readonly Change[] {
  const text = (value: number | boolean | undefined): string | undefined =>
    value === undefined ? undefined : String(value);
  return [
    ...compare('outcome', 'the outcome', a.finished?.outcome, b.finished?.outcome),
    ...compare('until', 'the boot goes until it', a.start?.until, b.start?.until),
    ...compare('app', 'the application', nameApp(a.start?.hostApp), nameApp(b.start?.hostApp)),
    ...compare(
      'slipway',
      'the version of Slipway',
      a.start?.versions.slipway,
      b.start?.versions.slipway,
    ),
    ...compare('node', 'the version of Node.js', a.start?.versions.node, b.start?.versions.node),
    ...compare('server', 'the version of PostgreSQL', a.survey?.server, b.survey?.server),
    ...compare('pooler', 'the use of a pooler', text(a.survey?.pooler), text(b.survey?.pooler)),
    ...compare(
      'slots',
      'the number of slots of migrations',
      text(a.start?.slots.migrate),
      text(b.start?.slots.migrate),
    ),
    ...compare(
      'slots',
      'the number of slots of inits',
      text(a.start?.slots.init),
      text(b.start?.slots.init),
    ),
    ...compare('pool', 'the size of the pool', text(a.start?.poolSize), text(b.start?.poolSize)),
  ];
}

function comparePlugins({ record: a }: Story, { record: b }: Story): readonly Change[] {
  const gone = a.plugins.flatMap(({ id }) =>
    b.find(id)
      ? []
      : [{ kind: 'plugin', plugin: id, before: id, sentence: `${id} is gone` } as const],
  );
  const others = b.plugins.flatMap((plugin): readonly Change[] => {
    const { id } = plugin;
    const known = a.find(id);
    return known
      ? comparePlugin(known, plugin)
      : [{ kind: 'plugin', plugin: id, after: id, sentence: `${id} is new` }];
  });
  return [...gone, ...others];
}

function comparePlugin(a: PluginRecord, b: PluginRecord): readonly Change[] {
  const { id } = a;
  return [
    ...compare('version', `the version of ${id}`, a.version, b.version, id),
    ...compare('required', `whether ${id} is required`, String(a.required), String(b.required), id),
    ...compare('enabled', `whether ${id} is enabled`, String(a.enabled), String(b.enabled), id),
    ...compareFiles(a, b),
  ];
}

function compareFiles(a: PluginRecord, b: PluginRecord): readonly Change[] {
  const before = a.applied.join(', ');
  const after = b.applied.join(', ');
  if (before === after) return [];
  const list = ({ applied }: PluginRecord): string =>
    applied.length === 0 ? 'no files' : joinNames(shorten(applied, 3));
  return [
    {
      kind: 'files',
      plugin: a.id,
      ...(before !== '' && { before }),
      ...(after !== '' && { after }),
      sentence: `${a.id} applied ${list(a)} before, and ${list(b)} after`,
    },
  ];
}

function compareEdges({ record: a }: Story, { record: b }: Story): readonly Change[] {
  const name = ({ from, to, kind }: Story['record']['edges'][number]): string =>
    kind === 'needs' ? `${to} needs ${from}` : `${to} comes after ${from}`;
  const before = new Set(a.edges.map(name));
  const after = new Set(b.edges.map(name));
  return [
    ...[...before]
      .filter((edge) => !after.has(edge))
      .map((edge) => ({ kind: 'edge', before: edge, sentence: `no longer: ${edge}` }) as const),
    ...[...after]
      .filter((edge) => !before.has(edge))
      .map((edge) => ({ kind: 'edge', after: edge, sentence: `now: ${edge}` }) as const),
  ];
}
