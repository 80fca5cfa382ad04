import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readStory } from '../../src/insight.ts';
import { createInspector } from '../../src/inspector.ts';
import { expectToStandAlone } from '../insight/exports/read-svg.ts';
import { readTrace } from '../insight/exports/read-trace.ts';
import { packageRoot } from '../support/built-package.ts';
import { runCli, startCli } from './cli-process.ts';
import { expectDocument } from './documents.ts';

const before = join(packageRoot, 'docs/examples/insight/before.jsonl');
const after = join(packageRoot, 'docs/examples/insight/after.jsonl');

const questions: readonly (readonly [string, readonly string[]])[] = [
  ['why', ['why', 'billing', after]],
  ['blame', ['blame', after]],
  ['critical-chain', ['critical-chain', after]],
  ['timeline', ['timeline', after]],
  ['what-if', ['what-if', after, '--init-concurrency', '8', '--without', 'auth.init']],
  ['diff', ['diff', before, after]],
  ['findings', ['findings', after]],
  ['verify', ['verify', after]],
];

describe('each question', () => {
  it.each(questions)('%s has an answer in JSON that fits its schema', async (name, args) => {
    const { code, stdout, stderr } = await runCli([...args, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expectDocument(stdout, `slipway.${name}/1`);
  });

  it.each(questions)('%s has an answer in Markdown', async (_, args) => {
    const { code, stdout } = await runCli([...args, '--md']);
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/[█▓▒░]/);
    // Every row of a table has as many cells as its heading.
    const rows = stdout.split('\n\n').filter((block) => block.startsWith('|'));
    for (const table of rows) {
      const cells = table
        .trim()
        .split('\n')
        .map((row) => row.replaceAll(String.raw`\|`, '').split('|').length);
      expect(new Set(cells).size).toBe(1);
    }
  });

  it('looks at a moment of the boot', async () => {
    const { stdout } = await runCli(['why', 'billing', after, '--at', '1s']);
    expect(stdout).toMatch(
      /^billing waits for catalog: catalog waits 704ms for its migration lock/,
    );
    const early = await runCli(['blame', after, '--at', '100ms']);
    expect(early.stdout).not.toContain('catalog.init');
  });

  it('reads standard input', async () => {
    const input = await readFile(after, 'utf8');
    const { stdout } = await runCli(['verify', '-'], { input });
    expect(stdout).toMatch(/^Every promise was kept/);
  });

  it('reads an inspector', async () => {
    await using inspector = await createInspector(after);
    const { code, stdout } = await runCli(['why', 'suggest', inspector.url]);
    expect(code).toBe(0);
    expect(stdout).toBe((await runCli(['why', 'suggest', after])).stdout);
  });

  it.each([
    [['why', 'biling', after], 2, 'This boot has no plugin "biling". Did you mean "billing"?'],
    [['why', 'billing', after, '--at', 'noon'], 2, '--at takes a time such as 1500ms or 3s'],
    [['what-if', after], 2, 'what-if needs a change'],
    [['what-if', after, '--init-concurrency', '0'], 2, 'takes a number from 1 on'],
    [['what-if', after, '--without', 'catalogg'], 2, 'OPTIONS_INVALID: Expected without[0]'],
    [['export', after], 2, 'export needs --to <format>.'],
    [['blame', 'nothing.jsonl'], 2, 'RECORDING_UNREADABLE: Cannot read nothing.jsonl'],
    [['blame', 'package.json'], 2, 'RECORDING_UNREADABLE: Cannot read package.json'],
    [
      ['blame', 'http://127.0.0.1:1/?token=x'],
      1,
      'INSPECTOR_UNAVAILABLE: The inspector at 127.0.0.1:1',
    ],
  ])('%j is refused with what is wrong, on standard error only', async (args, code, text) => {
    const ended = await runCli(args);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(text);
  });
});

describe('slipway verify', () => {
  it('ends with 3 when a recording breaks a promise', async () => {
    const lines = (await readFile(after, 'utf8')).split('\n');
    const input = lines.filter((line) => !line.includes('"plugin.migrate.started"')).join('\n');
    const { code, stdout, stderr } = await runCli(['verify', '-'], { input });
    expect(code).toBe(3);
    expect(stdout).toContain('✖ sequence:');
    expect(stderr).toMatch(/^The check found \d+ broken promises\.\n$/);
  });
});

describe('slipway export', () => {
  it('writes what other programs open', async () => {
    const run = async (to: string): Promise<string> =>
      (await runCli(['export', after, '--to', to])).stdout;
    readTrace(await run('trace'));
    expectToStandAlone(await run('svg'));
    expect(await run('html')).toMatch(/^<!doctype html>[^]*<\/html>\n/);
    expect(await run('markdown')).toContain((await readStory(after)).bootId);
  });
});

describe('slipway inspect', () => {
  it('serves a recording until a signal, and prints its address', async () => {
    const cli = startCli(['inspect', after]);
    const [, url = ''] = await cli.prints(/: (http:\S+)\n/);
    expect((await fetch(url)).status).toBe(200);
    cli.kill('SIGINT');
    expect(await cli.ended).toMatchObject({ code: 0, signal: null });
  });
});

describe('a pipe', () => {
  it('that is closed early ends the program quietly', async () => {
    const cli = startCli(['export', after, '--to', 'html']);
    cli.closeOutput();
    expect(await cli.ended).toMatchObject({ code: 0, stderr: '' });
  });
});
