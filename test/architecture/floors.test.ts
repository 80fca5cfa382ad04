import { describe, expect, it } from 'vitest';
import { importsOf, otherThanReExports, sourceFiles, type Import } from './imports.ts';

/** The rooms and what each may import besides itself. docs/architecture.md draws the same. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'src/core': [],
  machines: ['src/core'],
  'src/postgres': ['src/core'],
  'src/telemetry': ['src/core'],
  'src/testing': ['src/core'],
  'src/http': ['src/core'],
  'src/boot': ['machines', 'src/postgres', 'src/telemetry', 'src/core'],
  'src/index.ts': ['src/boot', 'src/postgres', 'src/telemetry', 'src/core'],
};

/** Where each package lives. A type of it may also be named where a plugin or an option speaks of it. */
const homes: Readonly<Record<string, readonly string[]>> = {
  xstate: ['machines', 'src/boot'],
  pg: ['src/postgres'],
  'drizzle-orm': ['src/postgres'],
  eventemitter3: ['src/telemetry'],
  pino: ['src/telemetry'],
  picocolors: ['src/telemetry'],
};
const typesNamedElsewhere: Readonly<Record<string, readonly string[]>> = {
  pg: ['src/core', 'src/boot'],
};

const files = sourceFiles('src', 'machines');
const imports = files.flatMap((file) => importsOf(file));
const roomOf = (path: string): string | undefined =>
  Object.keys(rooms).find((room) => path === room || path.startsWith(`${room}/`));
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
        return room !== other && !(rooms[room ?? ''] ?? []).includes(other ?? '');
      });
    expect(wrong.map(line)).toEqual([]);
  });

  it('every package lives in its rooms', () => {
    const wrong = imports.filter(isPackage).filter((each) => {
      const name = packageOf(each);
      if (name.startsWith('node:')) return false;
      const room = roomOf(each.from) ?? '';
      if (homes[name]?.includes(room)) return false;
      return !(each.isTypeOnly && typesNamedElsewhere[name]?.includes(room));
    });
    expect(wrong.map(line)).toEqual([]);
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

  it('an index only re-exports, by name, and nothing inside imports the main one', () => {
    const indexes = files.filter((file) => file.endsWith('/index.ts'));
    expect(indexes).toContain('src/index.ts');
    expect(indexes.flatMap(otherThanReExports)).toEqual([]);
    expect(imports.filter(({ to }) => to === 'src/index.ts').map(line)).toEqual([]);
  });
});
