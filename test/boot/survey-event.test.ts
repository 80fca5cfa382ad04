import { expect, test } from 'vitest';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const settings = { '0000_settings': 'CREATE TABLE settings (name text);' };
const broken = { ...settings, '0001_stop': 'COMMIT;' };

test('survey.finished names the server once, before anything is planned, and the phases count what was sent', async () => {
  const { url } = await db.fresh();
  const migrations = await migrationFolder(settings);
  const { boot, recording } = bootUnderTest({
    pool: url,
    registry: true,
    plugins: [{ id: 'a', migrations }, { id: 'b' }],
  });
  const { database, phases } = await boot.start();
  const [survey, ...others] = recording.of('survey.finished');
  const [planned] = recording.of('plugin.migrate.planned');
  expect(others).toEqual([]);
  expect(survey).toMatchObject({ plugins: 1, pooler: false, server: database?.server });
  const { hostname, port, pathname } = new URL(url);
  const place = { database: pathname.slice(1), address: hostname, port: Number(port) };
  expect(survey).toMatchObject(place);
  expect(survey?.seq).toBeLessThan(planned?.seq ?? 0);
  expect(survey?.statements).toBeGreaterThan(0);
  const sent = recording
    .of('phase.finished')
    .map(({ phase, statements = 0 }) => [phase, statements]);
  const ofMigrateAll = (database?.statements ?? 0) - 1;
  expect(sent).toEqual([
    ['discover', 1],
    ['sort', 0],
    ['migrateAll', ofMigrateAll],
    ['initAll', 0],
  ]);
  expect(phases.map(({ phase }) => phase)).toEqual(sent.map(([phase]) => phase));
  expect(survey?.statements).toBeLessThan(ofMigrateAll);
});

test('a survey that finds a problem has seen the server, too', async () => {
  const { url } = await db.fresh();
  const migrations = await migrationFolder(broken);
  const { boot, recording } = bootUnderTest({ pool: url, plugins: [{ id: 'a', migrations }] });
  await expect(boot.start()).rejects.toMatchObject({ code: 'PLAN_INVALID' });
  expect(recording.of('survey.finished')).toMatchObject([{ plugins: 1, pooler: false }]);
});

test('without migrations there is no survey, and nothing is sent', async () => {
  const { url } = await db.fresh();
  const { boot, recording } = bootUnderTest({ pool: url, plugins: [{ id: 'a' }] });
  expect(await boot.start()).not.toHaveProperty('database');
  expect(recording.of('survey.finished')).toEqual([]);
  for (const finished of recording.of('phase.finished')) {
    expect(finished).not.toHaveProperty('statements');
  }
});
