import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { migrateFleet, planFleet, type FleetTarget } from '../../src/index.ts';
import { shardOf } from '../../src/fleet/shard.ts';
import { useDatabase } from '../support/database.ts';
import {
  bootWith,
  counting,
  expectCountedOnce,
  failIn,
  makeDatabases,
  outcomesOf,
  toTargets,
} from './fleet-fixture.ts';

const db = useDatabase();

describe('the shard of a database', () => {
  it('is one of them, and depends on its name and their number alone', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 500 }), (name, count) => {
        const shard = shardOf(name, count);
        expect(Number.isInteger(shard) && shard >= 0 && shard < count).toBe(true);
        expect(shardOf(name, count)).toBe(shard);
      }),
    );
    // These must never change: a release that moved databases would have two shards at work on one.
    expect(['acme', 'globex', 'initech', 'hooli'].map((name) => shardOf(name, 4))).toEqual([
      1, 0, 0, 3,
    ]);
  });

  it('shares many databases evenly', () => {
    const sizes = Array.from({ length: 8 }, () => 0);
    for (let at = 0; at < 8_000; at += 1) sizes[shardOf(`tenant-${at}`, 8)]! += 1;
    for (const size of sizes) expect(Math.abs(size - 1_000)).toBeLessThan(150);
  });
});

describe('the shards of a fleet', () => {
  it('have each database once, but for the canaries, which are in every shard', async () => {
    const url = (name: string): string => `postgres://127.0.0.1:1/${name}`;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 3 }),
        async (names, count, canary) => {
          const targets = names.map((name): FleetTarget => ({ name, url: url(name) }));
          const signal = AbortSignal.abort();
          const reports = await Promise.all(
            Array.from({ length: count }, (_, index) =>
              migrateFleet({
                targets,
                boot: bootWith([]),
                shard: { index, count },
                canary,
                signal,
              }),
            ),
          );
          const canaries = names.slice(0, canary);
          for (const { databases } of reports) {
            expect(databases.slice(0, canaries.length).map(({ name }) => name)).toEqual(canaries);
          }
          const others = reports.flatMap(({ databases }) => databases.slice(canaries.length));
          expect(others.map(({ name }) => name).toSorted()).toEqual(names.slice(canary).toSorted());
        },
      ),
      { numRuns: 40 },
    );
  });

  it('migrate a canary together, once, before anything else', async () => {
    const tenants = await makeDatabases(db, 5);
    const targets = toTargets(tenants);
    const begun: string[] = [];
    const reports = await Promise.all(
      [0, 1, 2].map((index) =>
        migrateFleet({
          targets,
          boot: ({ name }) => {
            begun.push(name);
            return bootWith(counting)();
          },
          shard: { index, count: 3 },
          canary: 1,
        }),
      ),
    );
    expect(reports.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done']);
    expect(reports.map(({ databases }) => String(databases[0]?.outcome)).toSorted()).toEqual([
      'done',
      'upToDate',
      'upToDate',
    ]);
    expect(begun.slice(0, 3)).toEqual(['d0', 'd0', 'd0']);
    await expectCountedOnce(tenants);
  });

  it('all stop when the canary fails, also those that it does not belong to', async () => {
    const tenants = await makeDatabases(db, 4);
    const reports = await Promise.all(
      [0, 1, 2].map((index) =>
        migrateFleet({
          targets: toTargets(tenants),
          boot: bootWith([failIn('0000_broken')]),
          shard: { index, count: 3 },
          canary: 1,
        }),
      ),
    );
    for (const report of reports) {
      expect(outcomesOf(report)[0]).toBe('d0 failed');
      expect(report.counts).toMatchObject({ failed: 1, done: 0, upToDate: 0, canceled: 0 });
    }
  });

  it('may be empty, when there are more shards than databases', async () => {
    const targets = [{ name: 'acme', url: 'postgres://127.0.0.1:1/acme' }];
    const index = (shardOf('acme', 9) + 1) % 9;
    const shard = { index, count: 9 };
    const options = { targets, boot: bootWith([]), shard };
    expect(await migrateFleet(options)).toMatchObject({
      outcome: 'done',
      listed: 1,
      databases: [],
    });
    expect(await planFleet(options)).toMatchObject({ shard, listed: 1, databases: [] });
  });
});
