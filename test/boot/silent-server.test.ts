import { expect, test } from 'vitest';
import type { Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { startSilentServer } from '../support/silent-server.ts';

const bootUnderTest = useBoots();

const migrating: Plugin = {
  id: 'a',
  migrations: [{ name: '0000_init', run: () => undefined }],
};
/** Longer than any test: a way down that waits for the server would never end. */
const stop = { total: '1h' } as const;

test('a server that accepts and says nothing keeps no stop: it is told what the boot waits for', async () => {
  await using silent = await startSilentServer();
  const { boot, recording } = bootUnderTest({ pool: silent.url, plugins: [migrating], stop });
  const waiting = new Promise((resolve) => boot.once('boot.waiting', resolve));
  const failing = failureOf(boot.start());
  expect(await waiting).toMatchObject({ reason: 'PostgreSQL has not answered yet' });
  await boot.stop();
  expect(await failing).toMatchObject({ code: 'BOOT_CANCELED' });
  expect(recording.of('boot.stopped')).toMatchObject([{ errors: [] }]);
  await expect.poll(silent.openCount).toBe(0);
});

test('nor does it keep a boot whose connect.wait is over, or a plan', async () => {
  await using silent = await startSilentServer();
  const options = { pool: silent.url, plugins: [migrating], stop, connect: { wait: 200 } };
  const { boot, recording } = bootUnderTest(options);
  await expect(boot.plan()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  expect(await failureOf(boot.start())).toMatchObject({
    code: 'DATABASE_UNREACHABLE',
    message: 'No connection to PostgreSQL within 200ms: timeout exceeded when trying to connect',
    hint: expect.stringMatching(/connect\.wait sets how long to keep trying\.$/) as string,
  });
  expect(recording.of('boot.stopped')).toMatchObject([{ errors: [] }]);
  await expect.poll(silent.openCount).toBe(0);
});

test('nor does it keep what is wrong in every folder: that is told at once', async () => {
  await using silent = await startSilentServer();
  const plugins = ['a', 'b'].map((id) => ({ id, migrations: `/there/is/no/folder/${id}` }));
  const { boot, recording } = bootUnderTest({ pool: silent.url, plugins, stop });
  expect(await failureOf(boot.start())).toMatchObject({
    code: 'PLAN_INVALID',
    problems: [{ code: 'MIGRATION_FILES_INVALID' }, { code: 'MIGRATION_FILES_INVALID' }],
  });
  expect(recording.of('boot.stopped')).toMatchObject([{ errors: [] }]);
  await expect.poll(silent.openCount).toBe(0);
});
