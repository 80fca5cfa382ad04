import { expect, it } from 'vitest';
import { allDoneBut, broken, optional, plugin, quiet, Stage } from './stage.ts';

it('a plugin inits as soon as all it needs is up, never earlier', async () => {
  const nodes = [plugin('a'), plugin('b'), plugin('c', 0)];
  const stage = new Stage(nodes, allDoneBut('init'));
  stage.start();
  await quiet();
  expect(stage.live).toEqual(['init.a', 'init.b']);

  await stage.end('init.a');
  expect(stage.live).toEqual(['init.b', 'init.c']);
});

it('a width of one is strict order', async () => {
  const nodes = [plugin('a'), plugin('b'), plugin('c', 0)];
  const stage = new Stage(nodes, allDoneBut('init'), { init: 1 });
  stage.start();
  for (const id of ['a', 'b', 'c']) {
    await stage.begun(`init.${id}`);
    expect(stage.live).toEqual([`init.${id}`]);
    await stage.end(`init.${id}`);
  }
  await stage.reaches('ready');
});

it('the ready hooks follow when every init has settled', async () => {
  const stage = new Stage([plugin('a'), plugin('b')], allDoneBut('init'));
  stage.start();
  await stage.end('init.a');
  expect(stage.logged('begin ready.')).toEqual([]);

  await stage.end('init.b');
  await stage.reaches('ready');
  expect(stage.logged('begin ready.')).toEqual(['a', 'b']);
});

it('a required plugin that fails cancels the running ones, and what had started is stopped in reverse', async () => {
  const nodes = [plugin('a'), plugin('b', 0), plugin('c', 0), plugin('d', 2)];
  const stage = new Stage(nodes, allDoneBut('init'));
  stage.start();
  await stage.end('init.a');
  await stage.end('init.b', 'failed');
  expect(stage.log).toContain('cancel init.c');
  expect(stage.logged('begin stop')).toEqual([]);

  await stage.end('init.c', 'canceled');
  const { outcome, launch } = await stage.output();
  expect(outcome).toBe('failed');
  expect(launch).toMatchObject({
    started: ['a', 'b', 'c'],
    failures: [{ plugin: 'b', error: broken('init.b') }],
  });
  expect(stage.logged('init.')).toEqual([
    'a done',
    'b failed',
    'c canceled: b failed',
    'd notReached: b failed',
  ]);
  expect(stage.logged('ready.')).toEqual(
    ['a', 'b', 'c', 'd'].map((id) => `${id} notReached: b failed`),
  );
  expect(stage.logged('begin stop.')).toEqual(['c', 'b', 'a']);
});

it('an optional plugin that fails leaves the boot degraded and is not stopped a second time', async () => {
  const stage = new Stage([optional(plugin('a')), plugin('b')], allDoneBut('init'));
  stage.start();
  await stage.end('init.a', 'failed');
  await stage.end('init.b');
  await stage.reaches('ready');

  expect(stage.boot.getSnapshot().context.launch).toMatchObject({ degraded: true, started: ['b'] });
  expect(stage.logged('ready.')).toEqual(['a notReached: its init failed', 'b done']);
});

it('an optional plugin that fails while the boot already goes down is stopped with the others', async () => {
  const stage = new Stage([optional(plugin('a')), plugin('b')], allDoneBut('init'));
  stage.start();
  await stage.begun('init.a');
  stage.stop();
  await stage.end('init.a', 'failed');
  await stage.end('init.b', 'canceled');

  expect((await stage.output()).launch?.started).toEqual(['a', 'b']);
});

it('a ready hook that fails takes a required plugin, and the boot, down', async () => {
  const stage = new Stage([plugin('a'), plugin('b', 0)], allDoneBut('ready'));
  stage.start();
  await stage.end('ready.a', 'failed');

  const { launch } = await stage.output();
  expect(launch).toMatchObject({ outcome: 'failed', started: ['a', 'b'] });
  expect(stage.logged('ready.')).toEqual(['a failed', 'b dependency: a failed']);
});

it('STOP during the ready hooks waits for them and then stops everything', async () => {
  const stage = new Stage([plugin('a')], allDoneBut('ready'));
  stage.start();
  await stage.begun('ready.a');
  stage.stop();
  await quiet();
  expect(stage.log).toContain('cancel ready.a');
  expect(stage.logged('begin stop')).toEqual([]);

  await stage.end('ready.a', 'canceled');
  expect((await stage.output()).launch?.outcome).toBe('canceled');
  expect(stage.logged('begin stop.')).toEqual(['a']);
});
