import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { packageRoot } from '../support/built-package.ts';
import { lastLine, runCli } from './cli-process.ts';

const db = useDatabase();

/** A plugin with tenants, and one without, under the ids that the environment has. */
const config = `import { sqlFiles } from ${JSON.stringify(join(packageRoot, 'dist/src/index.js'))};
const { DATABASE_URL, PREFIX, PREVIOUS } = process.env;
const plugin = (id, more) => ({
  id: PREFIX + id,
  previousIds: PREVIOUS ? [PREVIOUS + id] : [],
  migrations: sqlFiles(new URL('./' + id + '/', import.meta.url)),
  ...more,
});
export default () => ({
  pool: DATABASE_URL,
  plugins: [plugin('shop', { tenants: () => ['acme', 'globex'] }), plugin('auth')],
});`;

it('plan shows the statements with the tenants they are for, and --check finds schemas to rename', async () => {
  const { url } = await db.fresh();
  const cwd = await mkdtemp(join(tmpdir(), 'slipway-cli-'));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  await writeFile(join(cwd, 'slipway.config.mjs'), config);
  for (const id of ['shop', 'auth']) {
    await mkdir(join(cwd, id));
    await writeFile(join(cwd, id, '0000_rows.sql'), 'CREATE TABLE rows (id int);');
  }
  const old = { cwd, env: { DATABASE_URL: url, PREFIX: 'old-', PREVIOUS: '' } };
  const { stdout } = await runCli(['plan', '--sql'], old);
  expect(stdout).toBe(
    [
      '-- old-shop: 0000_rows.sql, in the schemas of acme, globex\nCREATE TABLE rows (id int);\n',
      '-- old-auth: 0000_rows.sql, in the schema plugin_old-auth\nCREATE TABLE rows (id int);\n',
    ].join('\n'),
  );
  await runCli(['migrate'], old);
  const renamed = { cwd, env: { DATABASE_URL: url, PREFIX: 'new-', PREVIOUS: 'old-' } };
  const checked = await runCli(['plan', '--check'], renamed);
  expect(checked).toMatchObject({ code: 3, stderr: 'The check found 3 schemas to rename.\n' });
  expect(checked.stdout).toContain('to acme, globex: a new name of the schema');
  expect(lastLine(checked.stdout)).toBe('A boot would rename 3 schemas (2 plugins, 2 files).');
  await runCli(['migrate'], renamed);
  expect(await runCli(['plan', '--check'], renamed)).toMatchObject({ code: 0, stderr: '' });
});
