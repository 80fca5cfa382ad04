import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import type { BootEvent } from '../../src/core/events.ts';
import { headline, storyOf, why, type Story } from '../../src/insight.ts';
import { buildReport } from '../../src/insight/build-report.ts';
import { writeHeadline } from '../../src/insight/headline.ts';
import { readState } from '../../src/insight/read-state.ts';
import { drawRunning } from '../../src/terminal/running-rows.ts';
import { runStaged } from './staged-boot.ts';
import { stage } from './exports/stories.ts';

/** A boot that migrates, whole or until a moment, whose only plugin has the tenants acme, which migrates for 5 s, and globex, which is next. */
async function tellTenants(untilMs?: number): Promise<Story> {
  const told = await runStaged(stage([{ files: [[5_000]] }], { until: 'migrated' }), untilMs);
  return storyOf({ ...told, events: told.events.flatMap(giveToTenants) });
}

function giveToTenants(event: BootEvent): readonly BootEvent[] {
  switch (event.type) {
    case 'plugin.migrate.planned': {
      const { schema: _, ...ofAll } = event;
      return [
        { ...ofAll, tenants: { total: 3, pending: 2 } },
        { ...event, tenant: 'acme' },
        { ...event, tenant: 'globex' },
      ];
    }
    case 'plugin.migrate.started':
      return [event, { ...event, tenant: 'acme' }];
    case 'plugin.migrate.applying':
    case 'plugin.migrate.executing':
    case 'plugin.migrate.executed':
      return [{ ...event, tenant: 'acme' }];
    case 'plugin.migrate.applied': {
      const { type: _, file: _file, replaced: _replaced, ...when } = event;
      const settled = { ...when, type: 'plugin.migrate.settled', outcome: 'done' } as const;
      return [
        { ...event, tenant: 'acme' },
        { ...settled, tenant: 'acme' },
      ];
    }
    default:
      return [event];
  }
}

function drawRows({ times }: Story): readonly string[] {
  const frame = { width: 200, height: 12, colors: pc.createColors(false) };
  return drawRunning(times, writeHeadline(times), frame);
}

describe('a plugin with tenants', () => {
  it('shows how many are migrated, and no file that has just begun', async () => {
    const story = await tellTenants(500);
    expect(headline(story)).toMatch(/^p0 has migrated 0 of 2 tenants in \S+ \(0 of 1 migrated\)$/);
    expect(drawRows(story)[0]).toMatch(/p0 +\S+ {2}0 of 2 tenants migrated$/);
  });

  it('names the tenant whose file takes long', async () => {
    const story = await tellTenants(3_000);
    expect(headline(story)).toMatch(/in \S+; acme applies 0\.sql: statement 1 of 1, CREATE TABLE,/);
    expect(drawRows(story)[0]).toMatch(/migrated, now acme: 0\.sql, CREATE TABLE, for 3\.0s$/);
    expect(readState(story.record, 'launching', story.nowMs).running[0]?.file).toMatchObject({
      tenant: 'acme',
      file: '0.sql',
    });
  });

  it('is migrated when they are', async () => {
    const story = await tellTenants();
    expect(why(story, 'p0').sentence).toContain('p0 is migrated: 1 file applied');
    expect(buildReport(story.record).plugins[0]?.migrate.tenants).toMatchObject({
      total: 3,
      upToDate: 1,
      migrated: [
        { tenant: 'acme', outcome: 'done', applied: ['0.sql'] },
        { tenant: 'globex', outcome: 'notReached', applied: [] },
      ],
    });
  });

  it('has the locks of their files that kept other sessions waiting', async () => {
    const { record, nowMs } = await tellTenants(3_000);
    record.add({
      type: 'plugin.migrate.progress',
      bootId: '',
      seq: 99,
      at: 0,
      elapsedMs: nowMs,
      plugin: 'p0',
      tenant: 'acme',
      file: '0.sql',
      behind: [{ relation: 'orders', sessions: 2, longestMs: 1_500, applicationNames: [] }],
    });
    expect(buildReport(record).plugins[0]?.migrate.locks).toMatchObject([
      { file: '0.sql', relation: 'orders', sessions: 2 },
    ]);
  });
});
