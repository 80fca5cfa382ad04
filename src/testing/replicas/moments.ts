import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Boot } from '../../boot/boot.ts';
import { seedRandom, shuffle } from '../stock/seeded-random.ts';

/** A moment of a boot at which a replica can be killed. It is plain data, the same in every boot of the same plugins. */
export type Moment =
  | {
      /** A statement of a migration has run; its file is not in the history yet. */
      readonly kind: 'statement';
      readonly plugin: string;
      readonly file: string;
      /** Counts from 1. */
      readonly statement: number;
      readonly transaction: boolean;
      readonly isFunction: boolean;
    }
  /** A file was applied, and another one of the plugin follows. */
  | { readonly kind: 'between'; readonly plugin: string; readonly file: string }
  /** A statement of `init` has been answered; 0 is the moment before the first. */
  | { readonly kind: 'init'; readonly plugin: string; readonly statement: number };

/** Calls `reach` at each moment of a boot, as it comes. Attach it before the start. Returns a function that ends it. */
export function watchMoments(boot: Boot, reach: (moment: Moment) => void): () => void {
  const open = new Map<string, { transaction: boolean; isFunction: boolean; isLast: boolean }>();
  const answered = new Map<string, number>();
  const inInit = new AsyncLocalStorage<string>();
  const hear = (message: unknown): void => {
    const plugin = inInit.getStore();
    const { text } = message as { readonly text?: string };
    if (plugin === undefined || text === warmUpText) return;
    const statement = (answered.get(plugin) ?? 0) + 1;
    answered.set(plugin, statement);
    reach({ kind: 'init', plugin, statement });
  };
  boot.wrap((work, run) => {
    if ('step' in work && work.step === 'init') inInit.run(work.plugin, run);
    else run();
  });
  boot.on('plugin.migrate.applying', ({ plugin, index, of, transaction, statements }) => {
    open.set(plugin, { transaction, isFunction: statements === undefined, isLast: index === of });
  });
  boot.on('plugin.migrate.executed', ({ plugin, file, statement }) => {
    const { transaction = true, isFunction = false } = open.get(plugin) ?? {};
    reach({ kind: 'statement', plugin, file, statement, transaction, isFunction });
  });
  boot.on('plugin.migrate.applied', ({ plugin, file }) => {
    if (open.get(plugin)?.isLast === false) reach({ kind: 'between', plugin, file });
  });
  boot.on('plugin.init.started', ({ plugin }) => reach({ kind: 'init', plugin, statement: 0 }));
  subscribe(queryAnswered, hear);
  return () => unsubscribe(queryAnswered, hear);
}

/** A query that opens a connection and is no statement of a plugin. */
export const warmUpText = 'select /* slipway/testing */';

const queryAnswered = 'tracing:slipway.query:asyncEnd';

export function isSameMoment(a: Moment, b: Moment): boolean {
  return nameMoment(a) === nameMoment(b);
}

/** Names a moment for people, after "was killed". */
export function nameMoment(moment: Moment): string {
  const { plugin } = moment;
  if (moment.kind === 'between') return `between ${moment.file} of ${plugin} and the next file`;
  const { statement } = moment;
  if (moment.kind === 'statement') {
    return `after statement ${statement} of ${moment.file} of ${plugin}`;
  }
  return statement === 0
    ? `when init of ${plugin} began`
    : `after statement ${statement} of init of ${plugin}`;
}

/**
 * Chooses at most `most` moments of those that a boot has had: in the middle of files, in `init` and between files, in turn.
 * A file in a transaction has one of its statements chosen; a file without one may leave something else after each.
 */
export function chooseMoments(
  seen: readonly Moment[],
  most: number,
  randomSeed: number,
): readonly Moment[] {
  const random = seedRandom(randomSeed);
  const mixed = shuffle(seen, random);
  const hasMore = (moment: Moment): boolean =>
    mixed.some(
      (other) => other.kind === 'init' && other.plugin === moment.plugin && other.statement > 0,
    );
  const files = new Set<string>();
  const inFile = mixed.filter((moment) => {
    if (moment.kind !== 'statement') return false;
    const file = `${moment.plugin}/${moment.file}`;
    const isNew = !moment.transaction || !files.has(file);
    files.add(file);
    return isNew;
  });
  const inInit = mixed.filter(
    (moment) => moment.kind === 'init' && (moment.statement > 0 || !hasMore(moment)),
  );
  const between = mixed.filter(({ kind }) => kind === 'between');
  const queues = [
    // What is not in a transaction has most to lose.
    inFile.toSorted((a, b) => inTransaction(a) - inTransaction(b)),
    inInit,
    between,
  ];
  const chosen: Moment[] = [];
  const longest = Math.max(...queues.map(({ length }) => length));
  for (let round = 0; round < longest; round += 1) {
    chosen.push(...queues.flatMap((queue) => queue.slice(round, round + 1)));
  }
  return chosen.slice(0, most);
}

function inTransaction(moment: Moment): number {
  return moment.kind === 'statement' && !moment.transaction ? 0 : 1;
}
