import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { holdLock } from '../http/held-lock.ts';
import { useDatabase } from '../support/database.ts';
import { findProgram } from '../support/find-program.ts';
import { lastLine, runCli, startOnTerminal } from './cli-process.ts';
import { expectDocument } from './documents.ts';
import { projectWithNotes } from './project.ts';

const db = useDatabase();

/** For tests that start the program several times, in ms. */
const patience = 180_000;
const script = await findProgram({ names: ['script'], tests: 'terminals' });
const files = {
  '0001_notes.sql': 'CREATE TABLE notes (id int);',
  '0002_tags.sql': 'CREATE TABLE tags (id int);',
};

/** A project with the plugin notes on an empty database. */
async function host() {
  const { url, query } = await db.fresh();
  const options = { cwd: await projectWithNotes(files), env: { DATABASE_URL: url } };
  const isMade = async (): Promise<boolean> => {
    const { rows } = await query<{ made: string | null }>(
      `SELECT to_regnamespace('plugin_notes')::text AS made`,
    );
    return rows[0]?.made !== null;
  };
  return { url, query, options, isMade };
}

describe('slipway repair', () => {
  it('changes nothing where no person can be asked, and says what it would do', async () => {
    const { options, isMade } = await host();
    const { code, stdout, stderr } = await runCli(['repair', 'baseline', 'notes'], options);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('file 0001_notes.sql: would be written into the history, and not run');
    expect(stdout).toContain('SQL that would run\n');
    expect(lastLine(stdout)).toBe(
      'It would make 2 changes of notes. Nothing was changed. --yes does it.',
    );
    expect(await isMade()).toBe(false);
  });

  it('takes over what another tool has applied, by its table', async () => {
    const { options, query } = await host();
    await query(`CREATE TABLE public.applied AS SELECT text '0001' AS version`);
    const from = ['repair', 'baseline', 'notes', '--from', 'dbmate'];
    const done = await runCli([...from, '--table', 'public.applied', '--yes'], options);
    expect({ code: done.code, stderr: done.stderr }).toEqual({ code: 0, stderr: '' });
    expect(done.stdout.replaceAll(/\s+/g, ' ')).toContain(
      '✔ file 0001_notes.sql: written into the history, and not run: applied by dbmate in "public"."applied"',
    );
    expect(lastLine(done.stdout)).toBe('Done: 1 change of notes.');
    const wrong = await runCli([...from.slice(0, -1), 'dbmat'], options);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("Expected baseline.from to be 'dbmate' or 'goose'");
  });

  it(
    'does it with --yes, and finds nothing to do the second time',
    async () => {
      const { options, isMade } = await host();
      const baseline = ['repair', 'baseline', 'notes', '--up-to', '0001_notes', '--yes'];
      const first = await runCli(baseline, options);
      expect(first.code).toBe(0);
      expect(first.stdout).toContain(
        '✔ file 0001_notes.sql: written into the history, and not run',
      );
      expect(lastLine(first.stdout)).toBe('Done: 1 change of notes.');
      expect(await isMade()).toBe(true);
      const second = await runCli(baseline, options);
      expect(lastLine(second.stdout)).toBe('Nothing to do for notes (schema plugin_notes).');
      const marked = await runCli(
        ['repair', 'mark-applied', 'notes', '--file', '0002_tags.sql', '--yes', '--json'],
        options,
      );
      expect(expectDocument(marked.stdout, 'slipway.repair/1')).toMatchObject({
        repair: 'markApplied',
        dryRun: false,
        changes: [{ name: '0002_tags.sql' }],
      });
      await writeFile(join(options.cwd, 'sql/0001_notes.sql'), 'CREATE TABLE notes (id bigint);');
      const accepted = await runCli(['repair', 'accept-edited', 'notes', '--yes'], options);
      expect(accepted.stdout).toContain('✔ file 0001_notes.sql: accepted as it is now');
      await rm(join(options.cwd, 'sql/0001_notes.sql'));
      const forget = ['repair', 'forget', 'notes', '--row', '0001_notes', '--yes'];
      expect((await runCli(forget, options)).stdout).toContain(
        '✔ row 0001_notes: deleted from the history',
      );
      const moved = await runCli(['repair', 'relocate', 'notes'], options);
      expect(lastLine(moved.stdout)).toBe('Nothing to do for notes (schema plugin_notes).');
    },
    patience,
  );

  it(
    'ends with 1 for a plugin that there is not, with 2 for a call that is wrong, with 4 for a lock that is taken',
    async () => {
      const { url, options } = await host();
      const unknown = await runCli(['repair', 'relocate', 'notse'], options);
      expect(unknown.code).toBe(1);
      expect(unknown.stderr).toContain('With migrations there are notes.');
      const empty = await runCli(['repair', 'mark-applied', 'notes'], options);
      expect(empty.code).toBe(2);
      expect(empty.stderr).toContain('repair mark-applied needs the files: --file <file>.');
      const wait = await runCli(['repair', 'relocate', 'notes', '--wait', 'long'], options);
      expect(wait.code).toBe(2);
      await using holder = await holdLock(url, migrationLockKey('plugin_notes'));
      const taken = await runCli(['repair', 'baseline', 'notes', '--wait', '50ms'], options);
      expect(taken.code).toBe(4);
      expect(taken.stderr).toContain(`another replica (pid ${holder.pid}`);
    },
    patience,
  );

  it.skipIf(!script).each([
    ['y', 'Done: 2 changes of notes.', true],
    ['n', 'Nothing was changed.', false],
    ['', 'Nothing was changed.', false],
    ['\u0003', 'Nothing was changed.', false],
    ['\u0004', 'Nothing was changed.', false],
  ])('asks on a terminal, and takes %j for an answer: %s', async (answer, says, isDone) => {
    const { options, isMade } = await host();
    const program = startOnTerminal(['repair', 'baseline', 'notes'], 100, options);
    await program.prints(/Do it\? \[y\/N\] /);
    expect(await isMade()).toBe(false);
    const isControl = answer === '\u0003' || answer === '\u0004';
    program.type(isControl ? answer : `${answer}\n`);
    const { code, stdout } = await program.ended;
    expect({ code, last: lastLine(stdout).trim() }).toEqual({ code: 0, last: says });
    expect(await isMade()).toBe(isDone);
  });
});

describe('slipway repair holder', () => {
  it(
    'shows the session without its SQL, and ends it only with --terminate and --yes',
    async () => {
      const { url, options } = await host();
      const free = await runCli(['repair', 'holder', 'notes', '--terminate', '--yes'], options);
      expect(free).toMatchObject({ code: 0, stderr: '' });
      expect(free.stdout).toBe('The migration lock of notes (schema plugin_notes) is free.\n');

      await using holder = await holdLock(url, migrationLockKey('plugin_notes'));
      const shown = await runCli(['repair', 'holder', 'notes'], options);
      expect(shown.stdout).toMatch(new RegExp(`pid +${holder.pid}\n +program +another replica\n`));
      const would = await runCli(['repair', 'holder', 'notes', '--terminate'], options);
      expect(lastLine(would.stdout)).toBe('It would be ended. --yes does it.');
      const { stdout } = await runCli(['repair', 'holder', 'notes', '--json'], options);
      expect(expectDocument(stdout, 'slipway.holder/1')).toMatchObject({
        holder: { pid: holder.pid },
      });
      expect(shown.stdout + would.stdout + stdout).not.toMatch(/select|"query"/i);
    },
    patience,
  );

  it('ends it', async () => {
    const { url, options } = await host();
    const { Client } = await import('pg');
    const client = new Client({ connectionString: url });
    const broken = new Promise((resolve) => client.on('error', resolve));
    await client.connect();
    await client.query(`SELECT pg_advisory_lock(${migrationLockKey('plugin_notes')})`);
    const ended = await runCli(['repair', 'holder', 'notes', '--terminate', '--yes'], options);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('The session that held the migration lock of notes was ended.');
    expect(await broken).toMatchObject({ code: '57P01' });
  });
});
