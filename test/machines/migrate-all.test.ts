import { expect, it } from 'vitest';
import { allDoneBut, broken, optional, plugin, quiet, Stage } from './stage.ts';

const untilMigrate = allDoneBut('migrate', 'wait');

it('migrates what a plugin needs before the plugin, and independent ones side by side', async () => {
  const stage = new Stage([plugin('auth'), plugin('mail'), plugin('shop', 0)], untilMigrate);
  stage.start();
  await quiet();
  expect(stage.live).toEqual(['migrate.auth', 'migrate.mail']);

  await stage.end('migrate.auth');
  expect(stage.live).toEqual(['migrate.mail', 'migrate.shop']);
});

it('never migrates more plugins at once than the width', async () => {
  const nodes = [plugin('a'), plugin('b'), plugin('c')];
  const stage = new Stage(nodes, untilMigrate, { migrate: 2 });
  stage.start();
  await quiet();
  expect(stage.live).toEqual(['migrate.a', 'migrate.b']);

  await stage.end('migrate.b');
  expect(stage.live).toEqual(['migrate.a', 'migrate.c']);
});

it('a plugin whose lock is taken gives its place to the next, waits, and comes again', async () => {
  const stage = new Stage([plugin('a'), plugin('b')], untilMigrate, { migrate: 1 });
  stage.start();
  await stage.end('migrate.a', 'locked');
  expect(stage.live).toEqual(['migrate.b', 'wait.a']);

  await stage.end('wait.a');
  expect(stage.live).toEqual(['migrate.b']);

  await stage.end('migrate.b');
  expect(stage.live).toEqual(['migrate.a']);
  await stage.end('migrate.a');
  await stage.reaches('ready');
  expect(stage.logged('migrate.')).toEqual(['b done', 'a done']);
});

it('a wait that took too long fails its plugin', async () => {
  const stage = new Stage([plugin('a')], untilMigrate);
  stage.start();
  await stage.end('migrate.a', 'locked');
  await stage.end('wait.a', 'failed');

  const { launch } = await stage.output();
  expect(launch?.failures).toEqual([{ plugin: 'a', error: broken('wait.a') }]);
});

it('a plugin with nothing pending is settled without a task, and its dependents follow', async () => {
  const stage = new Stage([plugin('a'), plugin('b', 0)], (child) =>
    child === 'survey'
      ? ({ status: 'done', upToDate: ['a'] } as { status: string })
      : untilMigrate(child),
  );
  stage.start();
  await stage.begun('migrate.b');

  expect(stage.logged('migrate.')).toEqual(['a upToDate']);
  expect(stage.log).not.toContain('begin migrate.a');
});

it('a lost required plugin lets the others wind down, starts nobody, and nothing inits', async () => {
  const nodes = [plugin('a'), plugin('b'), plugin('c'), plugin('d', 0)];
  const stage = new Stage(nodes, untilMigrate, { migrate: 2 });
  stage.start();
  await stage.end('migrate.a', 'failed');
  expect(stage.log).toContain('wind down migrate.b');
  expect(stage.live).toEqual(['migrate.b']);
  expect(stage.boot.getSnapshot().value).toBe('launching');

  await stage.end('migrate.b', 'canceled');
  const { outcome, launch } = await stage.output();
  expect(outcome).toBe('failed');
  expect(launch).toMatchObject({
    phase: 'migrateAll',
    failures: [{ plugin: 'a', error: broken('migrate.a') }],
  });
  expect(stage.logged('migrate.')).toEqual([
    'a failed',
    'd dependency: a failed',
    'b canceled: a failed',
    'c notReached: a failed',
  ]);
  expect(stage.logged('begin init')).toEqual([]);
});

it('a lost required plugin cancels the ones that wait for a lock', async () => {
  const stage = new Stage([plugin('a'), plugin('b')], untilMigrate);
  stage.start();
  await stage.end('migrate.a', 'locked');
  await stage.end('migrate.b', 'failed');
  expect(stage.log).toContain('cancel wait.a');

  await stage.end('wait.a', 'canceled');
  expect((await stage.output()).outcome).toBe('failed');
  expect(stage.logged('migrate.')).toEqual(['b failed', 'a notReached: b failed']);
});

it('an optional plugin that fails takes only its dependents along', async () => {
  const nodes = [optional(plugin('a')), optional(plugin('b', 0)), plugin('c')];
  const stage = new Stage(nodes, untilMigrate);
  stage.start();
  await stage.end('migrate.a', 'failed');
  await stage.end('migrate.c');
  await stage.reaches('ready');

  expect(stage.boot.getSnapshot().context.launch).toMatchObject({ degraded: true, started: ['c'] });
  expect(stage.logged('init.')).toEqual([
    'a notReached: its migration failed',
    'b dependency: a is not up',
    'c done',
  ]);
});

it('the failure that brought the boot down comes first', async () => {
  const stage = new Stage([optional(plugin('a')), plugin('b')], untilMigrate);
  stage.start();
  await stage.end('migrate.a', 'failed');
  await stage.end('migrate.b', 'failed');

  const { launch } = await stage.output();
  expect(launch?.failures.map((failure) => failure.plugin)).toEqual(['b', 'a']);
});

it('a task that rejects counts as failed', async () => {
  const stage = new Stage([plugin('a')], untilMigrate);
  stage.start();
  await stage.defect('migrate.a');

  const { launch } = await stage.output();
  expect(launch?.failures).toEqual([{ plugin: 'a', error: broken('migrate.a') }]);
});

it('a survey that fails settles every plugin, and none is touched', async () => {
  const stage = new Stage([plugin('a')], allDoneBut('survey'));
  stage.start();
  await stage.end('survey', 'failed');

  const { launch } = await stage.output();
  expect(launch).toMatchObject({ outcome: 'failed', failures: [{ error: broken('survey') }] });
  expect(stage.logged('migrate.')).toEqual(['a notReached: the survey failed']);
});

it('STOP cancels what runs, waits for it, and leaves the rest where it was', async () => {
  const stage = new Stage([plugin('a'), plugin('b', 0)], untilMigrate);
  stage.start();
  await stage.begun('migrate.a');
  stage.stop();
  await quiet();
  expect(stage.log).toContain('cancel migrate.a');
  expect(stage.boot.getSnapshot().value).toBe('launching');

  await stage.end('migrate.a', 'canceled');
  expect(await stage.output()).toMatchObject({
    outcome: 'stopped',
    reason: 'SIGTERM',
    launch: { outcome: 'canceled', phase: 'migrateAll', reason: 'SIGTERM' },
  });
  expect(stage.logged('migrate.')).toEqual(['a canceled: SIGTERM', 'b notReached: SIGTERM']);
});

it('STOP cancels a boot even when the last migration still succeeds', async () => {
  const stage = new Stage([plugin('a')], untilMigrate);
  stage.start();
  await stage.begun('migrate.a');
  stage.stop();
  await stage.end('migrate.a');

  expect((await stage.output()).launch?.outcome).toBe('canceled');
  expect(stage.logged('begin init')).toEqual([]);
});

it('STOP ends a survey, too', async () => {
  const stage = new Stage([plugin('a')], allDoneBut('survey'));
  stage.start();
  await stage.begun('survey');
  stage.stop();
  await stage.end('survey', 'canceled');

  expect((await stage.output()).launch?.outcome).toBe('canceled');
  expect(stage.logged('migrate.')).toEqual(['a notReached: SIGTERM']);
});
