import { expect, it } from 'vitest';
import { allDone, allDoneBut, broken, plugin, quiet, Stage } from './stage.ts';

it('goes through the four phases, is ready, and stops in reverse order', async () => {
  const stage = new Stage([plugin('a'), plugin('b', 0)], allDone);
  stage.start();
  await stage.reaches('ready');
  stage.stop();

  expect(await stage.output()).toMatchObject({ outcome: 'stopped', reason: 'SIGTERM' });
  expect(stage.logged('phase ')).toEqual(
    ['discover', 'sort', 'migrateAll', 'initAll', 'stopAll'].flatMap((phase) => [
      phase,
      `${phase} done`,
    ]),
  );
  expect(stage.logged('begin stop.')).toEqual(['b', 'a']);
});

it('tells that a phase started before anything in it begins', async () => {
  const stage = new Stage([plugin('a')], allDone);
  stage.start();
  await stage.reaches('ready');

  const order = [
    'phase discover',
    'begin discover',
    'phase sort',
    'begin sort',
    'phase migrateAll',
  ];
  expect(stage.log.filter((line) => order.includes(line))).toEqual(order);
});

it('stops independent plugins side by side, each after all that need it', async () => {
  const nodes = [plugin('a'), plugin('b', 0), plugin('c', 0)];
  const stage = new Stage(nodes, allDoneBut('stop'));
  stage.start();
  await stage.reaches('ready');
  stage.stop();
  await quiet();
  expect(stage.live).toEqual(['stop.b', 'stop.c']);

  await stage.end('stop.b');
  expect(stage.live).toEqual(['stop.c']);
  await stage.end('stop.c');
  expect(stage.live).toEqual(['stop.a']);
});

it('a stop that fails keeps nothing else up, and is said at the end', async () => {
  const stage = new Stage([plugin('a'), plugin('b', 0)], allDoneBut('stop'));
  stage.start();
  await stage.reaches('ready');
  stage.stop();
  await stage.end('stop.b', 'failed');
  await stage.end('stop.a');

  expect(await stage.output()).toMatchObject({
    outcome: 'stopped',
    stopFailures: [{ plugin: 'b', error: broken('stop.b') }],
  });
  expect(stage.log.at(-1)).toBe('phase stopAll failed');
});

it('a second STOP changes nothing, in whatever state it comes', async () => {
  const stage = new Stage([plugin('a')], allDoneBut('init', 'stop'));
  stage.start();
  await stage.begun('init.a');
  stage.stop();
  stage.stop();
  await stage.end('init.a', 'canceled');
  await stage.begun('stop.a');
  stage.stop();
  await quiet();
  expect(stage.live).toEqual(['stop.a']);

  await stage.end('stop.a');
  expect((await stage.output()).outcome).toBe('stopped');
});

it('STOP before START ends the boot without anything having run', async () => {
  const stage = new Stage([plugin('a')], allDone);
  stage.stop();

  expect(await stage.output()).toEqual({
    outcome: 'stopped',
    launch: null,
    stopFailures: [],
    reason: 'SIGTERM',
  });
  expect(stage.log).toEqual([]);
});

it.each(['discover', 'sort'])(
  'STOP during %s cancels it and begins no other phase',
  async (child) => {
    const stage = new Stage([plugin('a')], allDoneBut(child));
    stage.start();
    await stage.begun(child);
    stage.stop();
    await stage.end(child, 'failed');

    const { launch } = await stage.output();
    expect(launch).toMatchObject({ outcome: 'canceled', phase: child });
    expect(stage.log).toContain(`cancel ${child}`);
    expect(stage.logged('phase ').at(-2)).toBe('stopAll');
  },
);

it.each(['discover', 'sort'])('a %s that fails is the end, with its error', async (child) => {
  const stage = new Stage([plugin('a')], allDoneBut(child));
  stage.start();
  await stage.end(child, 'failed');

  const { outcome, launch } = await stage.output();
  expect(outcome).toBe('failed');
  expect(launch).toMatchObject({ outcome: 'failed', failures: [{ error: broken(child) }] });
});

it('a discover that rejects fails the boot with what it threw', async () => {
  const stage = new Stage([plugin('a')], allDoneBut('discover'));
  stage.start();
  await stage.defect('discover');

  expect((await stage.output()).launch?.failures).toEqual([{ error: broken('discover') }]);
});

it('a boot that only migrates ends after migrateAll', async () => {
  const stage = new Stage([plugin('a')], allDone);
  stage.start('migrated');

  expect(await stage.output()).toMatchObject({
    outcome: 'stopped',
    launch: { outcome: 'migrated', started: [] },
  });
  expect(stage.logged('begin init')).toEqual([]);
});

it('every step of every plugin settles exactly once, also when the boot fails halfway', async () => {
  const nodes = [plugin('a'), plugin('b', 0)];
  for (const child of ['migrate', 'init', 'ready', 'stop'].map((step) => `${step}.a`)) {
    const stage = new Stage(nodes, allDoneBut(child));
    stage.start();
    if (child === 'stop.a') {
      await stage.reaches('ready');
      stage.stop();
    }
    await stage.end(child, 'failed');
    await stage.output();
    for (const step of ['migrate', 'init', 'ready', 'stop']) {
      const settled = stage.logged(`${step}.`).map((line) => line.slice(0, 1));
      expect(settled.toSorted(), `${step} when ${child} fails`).toEqual(['a', 'b']);
    }
  }
});

it('boots and stops a thousand plugins', async () => {
  const nodes = Array.from({ length: 1_000 }, (_, index) =>
    plugin(`p${index}`, ...(index % 10 === 0 ? [] : [index - 1])),
  );
  const stage = new Stage(nodes, allDone);
  stage.start();
  await stage.reaches('ready');
  stage.stop();
  await stage.output();

  expect(stage.logged('stop.p')).toHaveLength(1_000);
});

it('no plugins are no problem', async () => {
  const stage = new Stage([], allDone);
  stage.start();
  await stage.reaches('ready');
  stage.stop();

  expect((await stage.output()).outcome).toBe('stopped');
});
