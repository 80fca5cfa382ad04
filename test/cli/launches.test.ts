import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { firstPlugins, grow, recordLines } from '../support/growing-boot.ts';
import { runCli, startCli } from './cli-process.ts';
import { expectDocument } from './documents.ts';

const db = useDatabase();
const bootUnderTest = useBoots();
const folder = await mkdtemp(join(tmpdir(), 'slipway-launches-'));
const path = join(folder, 'boot.jsonl');
afterAll(() => rm(folder, { recursive: true, force: true }));

const questions = [
  ['blame', []],
  ['critical-chain', []],
  ['timeline', []],
  ['findings', []],
  ['verify', []],
  ['what-if', ['--init-concurrency', '8']],
] as const;
const followed = '2 launches followed: --launch 2 (reviews, stars), --launch 3 (broken, failed)';

describe('a recording with launches', () => {
  it('is made', async () => {
    const underTest = bootUnderTest({ pool: db.url, plugins: firstPlugins });
    const readLines = recordLines(underTest);
    await grow(underTest);
    await underTest.boot.stop();
    await writeFile(path, readLines());
  });

  it.each(questions)('%s ends with the launches that followed', async (name, more) => {
    const { code, stdout } = await runCli([name, path, ...more]);
    expect(code).toBe(0);
    expect(stdout.trimEnd().endsWith(followed), stdout).toBe(true);
    const document = await runCli([name, path, ...more, '--json']);
    expectDocument(document.stdout, `slipway.${name}/1`);
  });

  it.each(questions)('%s looks at one launch of it', async (name, more) => {
    const args = [name, path, ...more, '--launch', '2'];
    const { code, stdout } = await runCli(args);
    expect(code).toBe(0);
    expect(stdout).not.toContain('followed');
    expect(stdout).not.toContain('auth');
    const document = await runCli([...args, '--json']);
    expectDocument(document.stdout, `slipway.${name}/1`);
  });

  it('explains a plugin of a launch, and says which launch it came with', async () => {
    const own = await runCli(['why', 'broken', path, '--launch', '3']);
    expect(own.stdout).toBe('broken failed to start: no light\n');
    const { code, stderr } = await runCli(['why', 'reviews', path]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'slipway: reviews was added while the boot was up.\n\nAsk with --launch 2.\n',
    });
  });

  it('exports a launch', async () => {
    const { stdout } = await runCli(['export', path, '--launch', '2', '--to', 'markdown']);
    expect(stdout).toContain('- Launch: 2\n');
  });

  it.each(['9', '1', 'two'])(
    'lists the launches that there are when asked for %s',
    async (text) => {
      const { code, stderr } = await runCli(['blame', path, '--launch', text]);
      expect(code).toBe(2);
      expect(stderr).toBe(
        `slipway: This boot has no launch "${text}".\n\nIt has --launch 2 (reviews, stars), --launch 3 (broken, failed).\n`,
      );
    },
  );

  it('is inspected from one of its launches on', async () => {
    const cli = startCli(['inspect', path, '--launch', '3']);
    await cli.prints(/: http:\S+#launch=3\n/);
    cli.kill('SIGINT');
    await cli.ended;
    const { code, stderr } = await runCli(['inspect', path, '--launch', '9']);
    expect(code).toBe(2);
    expect(stderr).toContain('This boot has no launch "9"');
  });
});
