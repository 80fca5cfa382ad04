import { describe, expect, it } from 'vitest';
import { importsOf, otherThanReExports, sourceFiles, type Import } from './imports.ts';

/** What a room in `src/postgres` may import: the named ones below it, and core. */
function below(...names: readonly string[]): readonly string[] {
  return [...names.map((name) => `src/postgres/${name}`), 'src/core'];
}

/** What a room in `src/boot` may import: the named ones below it, and the floors under the boot. */
function inBoot(...names: readonly string[]): readonly string[] {
  const rooms = names.map((name) => `src/boot/${name}`);
  const under = ['src/record', 'machines', 'src/postgres', 'src/telemetry', 'src/insight'];
  return [...rooms, ...under, 'src/core'];
}

/** The rooms and what each may import besides itself. docs/architecture.md draws the same. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  // Words and widths, which the command line has in common with the rooms below.
  'src/core/suggest.ts': [],
  'src/terminal/display-width.ts': ['src/core'],
  'src/core': ['src/core/suggest.ts'],
  machines: ['src/core'],
  'src/postgres/sql': below(),
  'src/postgres/connection': below('sql'),
  // The tables of Slipway's own, of which the locks have one.
  'src/postgres/own-table.ts': below('connection'),
  'src/postgres/locks': below('own-table.ts', 'connection', 'sql'),
  'src/postgres/scoped': below('connection', 'sql'),
  'src/postgres/sources': below('sql'),
  'src/postgres/history': below('sources', 'sql'),
  'src/postgres/survey': below('history', 'sources', 'connection', 'sql'),
  'src/postgres/watch': below('locks', 'connection', 'sql'),
  'src/postgres/migrate': below(
    'watch',
    'survey',
    'history',
    'sources',
    'locks',
    'connection',
    'sql',
  ),
  'src/postgres/rehearse': below(
    'migrate',
    'survey',
    'history',
    'sources',
    'locks',
    'connection',
    'sql',
  ),
  'src/postgres/repair': below(
    'migrate',
    'survey',
    'history',
    'sources',
    'locks',
    'connection',
    'sql',
  ),
  'src/postgres/doctor': below('locks', 'connection', 'sql'),
  'src/postgres': below('own-table.ts', 'connection', 'sql'),
  'src/telemetry': ['src/core'],
  'src/insight': ['src/core'],
  'src/http': ['src/core'],
  'src/terminal': ['src/terminal/display-width.ts', 'src/insight', 'src/core'],
  'src/inspector/page': ['src/insight', 'src/core'],
  'src/inspector': ['src/record', 'src/insight', 'src/core'],
  'src/boot/options': inBoot(),
  'src/boot/around': inBoot('options'),
  'src/boot/discover': inBoot('around', 'options'),
  'src/boot/sort': inBoot('discover', 'around', 'options'),
  'src/boot/migrate-all': inBoot('sort', 'discover', 'around', 'options'),
  'src/boot/init-all': inBoot('migrate-all', 'sort', 'around', 'options'),
  'src/record': ['machines', 'src/insight', 'src/core'],
  'src/boot/idle': inBoot('migrate-all', 'sort', 'discover', 'around', 'options'),
  'src/boot': inBoot('init-all', 'migrate-all', 'sort', 'discover', 'idle', 'around', 'options'),
  'src/fleet': ['src/boot', 'src/postgres', 'src/core'],
  'src/testing': ['src/boot', 'src/postgres', 'src/core'],
  'src/otel': ['src/insight', 'src/core'],
  'src/insight.ts': ['src/record', 'src/insight', 'src/core'],
  'src/checkstack.ts': ['src/boot', 'src/postgres', 'src/core'],
  'src/drizzle.ts': ['src/postgres'],
  'src/inspector.ts': ['src/inspector'],
  'src/otel.ts': ['src/otel'],
  'src/index.ts': [
    'src/fleet',
    'src/boot',
    'src/record',
    'src/terminal',
    'src/postgres',
    'src/telemetry',
    'src/core',
  ],
  'src/cli': [
    'src/index.ts',
    'src/insight.ts',
    'src/inspector.ts',
    'src/core/suggest.ts',
    'src/terminal/display-width.ts',
  ],
};

/** Where each package lives. A type of it may also be named where a plugin or an option speaks of it. */
const homes: Readonly<Record<string, readonly string[]>> = {
  xstate: ['machines', 'src/boot'],
  pg: ['src/postgres', 'src/testing'],
  'drizzle-orm': ['src/postgres'],
  eventemitter3: ['src/telemetry'],
  pino: ['src/telemetry'],
  picocolors: ['src/terminal', 'src/cli'],
  jiti: ['src/cli'],
  'js-yaml': ['src/boot'],
  picomatch: ['src/boot'],
  preact: ['src/inspector/page'],
  '@opentelemetry/api': ['src/otel'],
};
const typesNamedElsewhere: Readonly<Record<string, readonly string[]>> = {
  pg: ['src/core', 'src/boot', 'src/fleet'],
};

const files = sourceFiles('src', 'machines');
const imports = files.flatMap((file) => importsOf(file));
const roomOf = (path: string): string | undefined =>
  Object.keys(rooms).find((room) => path === room || path.startsWith(`${room}/`));
/** Whether a room is one of these, or stands inside of one. */
const isIn = (outer: readonly string[], room: string): boolean =>
  outer.some((name) => room === name || room.startsWith(`${name}/`));
const packageOf = ({ to }: Import): string =>
  to.startsWith('@') ? to.split('/', 2).join('/') : (to.split('/', 1)[0] ?? '');
const isPackage = ({ to }: Import): boolean => !to.startsWith('src') && !to.startsWith('machines');
const line = ({ from, to }: Import): string => `${from} imports ${to}`;

describe('the floors of the house', () => {
  it('every file stands in a room', () => {
    expect(files.filter((file) => roomOf(file) === undefined)).toEqual([]);
  });

  it('nothing imports upward or sideways', () => {
    const wrong = imports
      .filter((each) => !isPackage(each))
      .filter(({ from, to }) => {
        const [room, other] = [roomOf(from), roomOf(to)];
        return room !== other && !isIn(rooms[room ?? ''] ?? [], other ?? '');
      });
    expect(wrong.map(line)).toEqual([]);
  });

  it('the views of the page share what lies above them, and the drawing of charts', () => {
    const folderOf = (path: string): string | undefined =>
      /^src\/inspector\/page\/(\w+)\//.exec(path)?.[1];
    const wrong = imports.filter(({ from, to }) => {
      const [own, other] = [folderOf(from), folderOf(to)];
      return own && other && other !== own && other !== 'chart';
    });
    expect(wrong.map(line)).toEqual([]);
  });

  it('every package lives in its rooms', () => {
    const wrong = imports.filter(isPackage).filter((each) => {
      const name = packageOf(each);
      if (name.startsWith('node:')) return false;
      const room = roomOf(each.from) ?? '';
      if (isIn(homes[name] ?? [], room)) return false;
      return !(each.isTypeOnly && isIn(typesNamedElsewhere[name] ?? [], room));
    });
    expect(wrong.map(line)).toEqual([]);
  });

  it('the main entry does not load Drizzle, which a plugin may need later', () => {
    const loaded = new Set(['src/index.ts']);
    const packages = new Set<string>();
    for (const file of loaded) {
      for (const each of importsOf(file)) {
        if (each.isTypeOnly || each.isDynamic) continue;
        if (isPackage(each)) packages.add(packageOf(each));
        else loaded.add(each.to);
      }
    }
    expect(packages).toContain('pg');
    expect(packages).not.toContain('drizzle-orm');
  });

  it('core and the machines touch neither the clock nor the outside world', () => {
    const wrong = imports.filter(
      ({ from, to }) => /^(?:src\/core|machines)\b/.test(from) && to.startsWith('node:'),
    );
    expect(wrong.map(line)).toEqual([]);
  });

  it('nothing imports in a circle', () => {
    const targets = new Map(files.map((file) => [file, importsOf(file).map(({ to }) => to)]));
    const done = new Set<string>();
    const findCircle = (file: string, path: readonly string[]): readonly string[] | undefined => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
      if (done.has(file)) return undefined;
      for (const next of targets.get(file) ?? []) {
        const circle = findCircle(next, [...path, file]);
        if (circle) return circle;
      }
      done.add(file);
      return undefined;
    };
    const circles = files.flatMap((file) => findCircle(file, []) ?? []);
    expect(circles).toEqual([]);
  });

  it('an index only re-exports, by name, and only the command line imports the main one', () => {
    const entries = ['src/index.ts', 'src/checkstack.ts', 'src/drizzle.ts'];
    const indexes = files.filter((file) => file.endsWith('/index.ts') || isIn(entries, file));
    expect(indexes).toEqual(expect.arrayContaining(entries));
    expect(indexes.flatMap(otherThanReExports)).toEqual([]);
    expect(
      imports.filter(({ from, to }) => isIn(entries, to) && !from.startsWith('src/cli/')).map(line),
    ).toEqual([]);
  });
});
