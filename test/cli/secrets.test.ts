import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { configOf, runCli, startCli } from './cli-process.ts';

vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const config = ['--config', configOf('secret')];

/** Nothing of what was planted, and neither the password alone. */
const planted = /planted-|hunter2/;

/** The address of a database, with a password in it. */
function withPassword(address: string): string {
  const url = new URL(address);
  url.username ||= 'postgres';
  url.password = 'hunter2';
  return url.href;
}

it('no command prints a password, a parameter, an export or a property of an error', async () => {
  const { url } = await db.fresh();
  const folder = await mkdtemp(join(tmpdir(), 'slipway-secrets-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const env = { DATABASE_URL: withPassword(url) };
  const recording = join(folder, 'boot.jsonl');
  const broken = startCli(['start', '--record', recording, ...config], {
    env: { ...env, BREAK: '1' },
  });
  const texts = [await broken.ended];
  const up = startCli(['start', '--json', ...config], { env });
  await up.prints(/"boot\.finished"/);
  up.kill('SIGTERM');
  texts.push(await up.ended);
  const calls = [
    ['plan', '--json', ...config],
    ['status', '--fleet', '--json', ...config],
    ['doctor', '--json', ...config],
    ['doctor', ...config],
    ['history', '--json', ...config],
    ['why', 'keeper', recording, '--json'],
    ['blame', recording, '--json'],
    ['findings', recording, '--json'],
    ['export', recording, '--to', 'otlp'],
    ['export', recording, '--to', 'markdown'],
    ['export', recording, '--to', 'html'],
  ];
  for (const call of calls) texts.push(await runCli(call, { env }));
  const closed = { DATABASE_URL: 'postgres://postgres:hunter2@127.0.0.1:1/none' };
  texts.push(await runCli(['doctor', '--verbose', ...config], { env: closed }));
  texts.push(await runCli(['history', '--verbose', ...config], { env: closed }));
  expect(texts.map(({ code }) => code)).toEqual([1, 0, ...calls.map(() => 0), 0, 1]);
  for (const { stdout, stderr } of texts) expect(stdout + stderr).not.toMatch(planted);
});
