import { describe, expect, it } from 'vitest';
import { doctorChecks, type Examination } from '../../src/index.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { holdLock } from '../http/held-lock.ts';
import { useDatabase } from '../support/database.ts';
import { lastLine, runCli } from './cli-process.ts';
import { expectDocument } from './documents.ts';
import { projectWithNotes } from './project.ts';

const db = useDatabase();

/** For tests that start the program several times, in ms. */
const patience = 180_000;
const notes = { '0001_notes.sql': 'CREATE TABLE notes (id int, text text);' };

/** Leaves a unique index behind whose build has failed. */
const breakIndex = [
  `INSERT INTO plugin_notes.notes VALUES (1, 'a'), (2, 'a')`,
  'CREATE UNIQUE INDEX CONCURRENTLY notes_text ON plugin_notes.notes (text)',
];

describe('slipway doctor', () => {
  it(
    'shows a line for each check, and ends with 0 whatever it finds; --check makes it 3',
    async () => {
      const { url, query } = await db.fresh();
      const options = { cwd: await projectWithNotes(notes), env: { DATABASE_URL: url } };
      const healthy = await runCli(['doctor', '--check'], options);
      expect(healthy).toMatchObject({ code: 0, stderr: '' });
      expect(healthy.stdout.match(/^ {2}✔ [a-z-]+: /gm)).toHaveLength(
        Object.keys(doctorChecks).length,
      );
      expect(lastLine(healthy.stdout)).toBe('All 20 checks are ok.');

      await runCli(['migrate'], options);
      for (const sql of breakIndex) await query(sql).catch(() => undefined);
      const broken = await runCli(['doctor'], options);
      expect(broken).toMatchObject({ code: 0, stderr: '' });
      expect(broken.stdout).toContain('  ✖ invalid-indexes: INVALID: "plugin_notes"."notes_text"');
      expect(broken.stdout).toContain(
        '\n    → REINDEX INDEX CONCURRENTLY "plugin_notes"."notes_text";',
      );
      expect(lastLine(broken.stdout)).toBe('1 problem; 19 of 20 checks are ok.');
      const checked = await runCli(['doctor', '--check'], options);
      expect(checked.code).toBe(3);
      expect(lastLine(checked.stderr)).toBe('slipway doctor --check found 1 problem');
    },
    patience,
  );

  it('prints one document with --json, and knows the number of replicas', async () => {
    const { url } = await db.fresh();
    const options = { cwd: await projectWithNotes(notes), env: { DATABASE_URL: url } };
    const { code, stdout } = await runCli(['doctor', '--json', '--replicas', '5000'], options);
    expect(code).toBe(0);
    const document = expectDocument(stdout, 'slipway.doctor/1') as Examination;
    expect(document.status).toBe('problem');
    expect(document.checks.map(({ id }) => id)).toEqual(Object.keys(doctorChecks));
    expect(document.checks.find(({ id }) => id === 'connections')).toMatchObject({
      evidence: { replicas: 5000, needed: 50_000 },
    });
  });

  it('examines what it can without a server, and refuses a number that is none', async () => {
    const env = { DATABASE_URL: 'postgres://app:hunter2@127.0.0.1:1/shop' };
    const options = { cwd: await projectWithNotes(notes), env };
    const { code, stdout, stderr } = await runCli(['doctor', '--check'], options);
    expect(code).toBe(3);
    expect(stdout).toContain('✖ connection: No connection to PostgreSQL: connect ECONNREFUSED');
    expect(stdout).toContain('· pooler: There is no connection.');
    expect(stdout + stderr).not.toContain('hunter2');
    const wrong = await runCli(['doctor', '--replicas', 'many'], options);
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain('--replicas takes a number from 1, and not "many".');
  });
});

describe('slipway status --fleet', () => {
  it(
    'says that there is no session, or shows each with its lock',
    async () => {
      const { url, name } = await db.fresh();
      const options = { cwd: await projectWithNotes(notes), env: { DATABASE_URL: url } };
      const empty = await runCli(['status', '--fleet'], options);
      expect(empty.code).toBe(0);
      expect(empty.stdout).toContain(`No replica migrates the database ${name} now.`);
      await runCli(['migrate'], options);
      await using holder = await holdLock(url, migrationLockKey('plugin_notes'));
      const held = await runCli(['status', '--fleet'], options);
      expect(held.code).toBe(0);
      expect(held.stdout).toMatch(
        new RegExp(`another replica +${holder.pid} +plugin_notes +idle `),
      );
      expect(lastLine(held.stdout)).toBe(`1 host at work in the database ${name}.`);
      const { stdout } = await runCli(['status', '--fleet', '--json'], options);
      expect(expectDocument(stdout, 'slipway.fleet/1')).toMatchObject({
        database: name,
        hosts: [{ sessions: [{ pid: holder.pid, holds: ['plugin_notes'] }] }],
      });
      expect(stdout).not.toMatch(/select/i);
    },
    patience,
  );
});
