import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createBoot, definePlugin } from '../../src/index.ts';
import { useDatabase } from '../support/database.ts';
import { linkSlipway } from '../../docs/examples/shop/link-slipway.ts';
import { runCli } from './cli-process.ts';
import { expectDocument } from './documents.ts';

// Each test starts the program a few times.
vi.setConfig({ testTimeout: 60_000 });

const db = useDatabase();
beforeAll(linkSlipway);

interface Booted {
  readonly ids: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Boots two versions of a host, one after the other. */
async function bootTwice(): Promise<Booted> {
  const { url } = await db.fresh();
  const ids: string[] = [];
  for (const version of ['1.0.0', '1.1.0']) {
    const plugins = [definePlugin({ id: 'slow', version, init() {} })];
    const boot = createBoot({
      pool: url,
      plugins,
      history: true,
      hostApp: { name: 'shop', version },
    });
    await boot.start();
    await boot.stop();
    ids.push(boot.id);
  }
  return { ids, env: { DATABASE_URL: url } };
}

describe('slipway history', () => {
  it('lists the boots, the latest one first, with how much longer each one took', async () => {
    const { ids, env } = await bootTwice();
    const { code, stdout, stderr } = await runCli(['history'], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [titles = '', second = '', first = ''] = stdout.split('\n');
    expect(titles.trim().split(/ {2,}/)).toEqual([
      'started',
      'boot',
      'app',
      'host',
      'outcome',
      'took',
      'change',
      'longest step',
    ]);
    expect(second).toMatch(/ shop 1\.1\.0 .* ready .*[+−]\d/);
    expect(second).toContain(ids[1]?.slice(0, 8));
    expect(first).toMatch(/ shop 1\.0\.0 .* ready /);
  });

  it('prints a document that fits its schema', async () => {
    const { ids, env } = await bootTwice();
    const { stdout } = await runCli(['history', '--last', '1', '--json'], { env });
    expect(expectDocument(stdout, 'slipway.history/1')).toMatchObject({
      boots: [{ bootId: ids[1], outcome: 'ready', app: { name: 'shop', version: '1.1.0' } }],
    });
  });

  it('prints the recording of a boot, which other commands read', async () => {
    const {
      ids: [id = ''],
      env,
    } = await bootTwice();
    const { stdout: input } = await runCli(['history', id.slice(0, 8)], { env });
    const { code, stdout } = await runCli(['timeline', '-'], { input });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +slow +/m);
  });

  it('says what is in a database without a history', async () => {
    const { url } = await db.fresh();
    const { code, stdout } = await runCli(['history'], { env: { DATABASE_URL: url } });
    expect(code).toBe(0);
    expect(stdout).toContain('There is no boot in the history. The option `history: true`');
  });

  it.each([
    [['history', 'zzz'], 'There is no boot "zzz" in the history.'],
    [['history', '--last', '0'], '--last takes a number from 1 to 100, and not "0".'],
  ])('%j is refused', async (args, message) => {
    const { env } = await bootTwice();
    const { code, stdout, stderr } = await runCli(args, { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

describe('slipway diff --last', () => {
  it('compares the last two boots', async () => {
    const { env } = await bootTwice();
    const { code, stdout } = await runCli(['diff', '--last'], { env });
    expect(code).toBe(0);
    expect(stdout).toContain('the version of slow was 1.0.0, and is 1.1.0');
    expect(stdout).toContain('the application was shop 1.0.0, and is shop 1.1.0');
  });

  it.each([
    [['diff'], 'diff needs <before> and <after>, or --last.'],
    [['diff', 'a.jsonl'], 'diff needs <before> and <after>, or --last.'],
    [['diff', 'a.jsonl', '--last'], 'diff takes recordings or --last, and not both.'],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await runCli(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('says so when the history has one boot or none', async () => {
    const { url } = await db.fresh();
    const { code, stderr } = await runCli(['diff', '--last'], { env: { DATABASE_URL: url } });
    expect(code).toBe(2);
    expect(stderr).toContain('The history has no boot, and --last compares two.');
  });
});
