import type { BenchResult } from './bench.ts';
import { milliseconds, range, type Table } from './columns.ts';
import type { GuardResult } from './guard.ts';
import type { InstallResult } from './install.ts';
import type { ReaderResult, Waits } from './reader.ts';
import type { RecordingResult } from './recording.ts';
import { filesPerSurveyedPlugin, type SurveyResult } from './survey.ts';
import { filesPerPlugin } from './generated-plugins.ts';
import type { Sample } from './measure.ts';
import type { TenantsResult } from './tenants.ts';
import type { UpgradeResult } from './upgrade.ts';

/** The tables of what was measured of migrations alone. */
export function migrationTables(result: BenchResult): readonly Table[] {
  const { install, survey, upgrade, tenants, guard, reader, recording } = result;
  return [
    ...(install ? [installTable(install)] : []),
    ...(survey.length > 0 ? [surveyTable(survey)] : []),
    ...(upgrade ? [upgradeTable(upgrade)] : []),
    ...(tenants ? [tenantsTable(tenants)] : []),
    ...(guard ? [guardTable(guard)] : []),
    ...(reader ? [readerTable(reader)] : []),
    ...(recording.length > 0 ? [recordingTable(recording)] : []),
  ];
}

function installTable(result: InstallResult): Table {
  const { plugins, files, slipway, twoPass, raw, ratio, overRaw } = result;
  const header = ['Slipway', 'two-pass', 'SQL alone', 'two-pass / Slipway', 'Slipway / SQL alone'];
  const row = [
    range(slipway),
    range(twoPass),
    range(raw),
    `${ratio.toFixed(1)} ×`,
    `${overRaw.toFixed(1)} ×`,
  ];
  return {
    title: `A fresh install of ${plugins} plugins with ${files} files in all, straight to the server`,
    rows: [header, row],
    notes: [
      [
        'two-pass',
        "plugin after plugin Drizzle's migrate() on a pinned client, all its files in one transaction",
      ],
      [
        'SQL alone',
        'the same files without history, order or check, a message for each plugin, on four connections: the limit',
      ],
    ],
  };
}

function tenantsTable({ tenants, freshMs, nothing, upgrade }: TenantsResult): Table {
  const row = (boot: string, { one, all }: TenantsResult['upgrade']): readonly string[] => [
    boot,
    range(one),
    range(all),
    `${(all.medianMs / one.medianMs).toFixed(1)} ×`,
    `${((all.medianMs - one.medianMs) / tenants).toFixed(2)} ms`,
  ];
  const header = ['boot', '1 tenant', `${tenants} tenants`, 'ratio', 'for each'];
  return {
    title: `One plugin with ${tenants} tenants, beside one with a single one, straight to the server`,
    rows: [header, row('nothing to do', nothing), row('one file more', upgrade)],
    notes: [
      ['nothing to do', `${nothing.statements} statements in all`],
      ['fresh', `all ${filesPerPlugin} files of all tenants, once: ${milliseconds(freshMs)}`],
      ['for each', 'the time that each further tenant adds, four of them side by side'],
    ],
  };
}

function surveyTable(results: readonly SurveyResult[]): Table {
  const header = ['plugins', 'plan()', 'growth', 'asking', 'growth', 'statements'];
  const rows = results.map(({ plugins, plan, asking, statements }, index) => {
    const smaller = results[index - 1];
    return [
      String(plugins),
      range(plan),
      smaller ? `${(plan.medianMs / smaller.plan.medianMs).toFixed(1)} ×` : '',
      range(asking),
      smaller ? `${(asking.medianMs / smaller.asking.medianMs).toFixed(1)} ×` : '',
      String(statements),
    ];
  });
  return {
    title: `Finding out that nothing is to be done: ${filesPerSurveyedPlugin} files for each plugin, all applied`,
    rows: [header, ...rows],
    notes: [
      ['plan()', 'on a new pool: every folder is read, and the database is asked'],
      ['asking', 'the part of it in which PostgreSQL was asked; growth: against the row above'],
    ],
  };
}

function upgradeTable({ plugins, slipway, twoPass }: UpgradeResult): Table {
  const header = ['Slipway', 'two-pass', 'ratio'];
  const row = [String(slipway), String(twoPass), `${(twoPass / slipway).toFixed(1)} ×`];
  return {
    title: `Messages of SQL in an upgrade where one of ${plugins} plugins has a new file`,
    rows: [header, row],
    notes: [],
  };
}

function guardTable({ relations, guarded, unguarded }: GuardResult): Table {
  const header = ['guarded', "strayObjects: 'off'", 'difference'];
  const difference = milliseconds(guarded.medianMs - unguarded.medianMs);
  return {
    title: `A file with and without the look for stray objects, with ${relations} relations in the catalog`,
    rows: [header, [range(guarded), range(unguarded), difference]],
    notes: [['', 'files of a first install, whose COMMIT does not wait for the disk']],
  };
}

function readerTable({ heldMs, slipway, plain }: ReaderResult): Table {
  const header = ['migration', 'reader waits', 'of the time', 'longest', 'migrated after'];
  const row = (name: string, { waitedMs, longestMs, migratedMs }: Waits): readonly string[] => [
    name,
    milliseconds(waitedMs),
    `${((waitedMs / heldMs) * 100).toFixed(0)} %`,
    milliseconds(longestMs),
    milliseconds(migratedMs),
  ];
  return {
    title: `A reader of a table that is to be changed, while another transaction holds it for ${milliseconds(heldMs)}`,
    rows: [header, row('Slipway', slipway), row('plain', plain)],
    notes: [
      [
        'Slipway',
        `with ddlLockTimeout ${milliseconds(heldMs / 20)}: as its default of 1 s behind a transaction of 20 s`,
      ],
      ['plain', 'the same ALTER TABLE without a lock_timeout'],
    ],
  };
}

function recordingTable(results: readonly RecordingResult[]): Table {
  const header = [
    'plugins',
    'time',
    'not recorded',
    'recorded',
    'ratio',
    'bytes/plugin',
    'with its stop',
  ];
  const rows = results.flatMap(({ plugins, plain, recorded, cold, bytes }) => {
    const row = (time: string, plainTime: Sample, recordedTime: Sample): readonly string[] => [
      String(plugins),
      time,
      range(plainTime),
      range(recordedTime),
      `${(recordedTime.medianMs / plainTime.medianMs).toFixed(3)} ×`,
      (bytes.ready / plugins).toFixed(0),
      (bytes.stopped / plugins).toFixed(0),
    ];
    return [
      row('new process', cold.plain.ready, cold.recorded.ready),
      row('the boot in it', cold.plain.boot, cold.recorded.boot),
      row('booted before', plain, recorded),
    ];
  });
  return {
    title: 'Recording a boot to a file: plugins in layers, whose migrations are all applied',
    rows: [header, ...rows],
    notes: [
      ['new process', 'from the start of the process until every plugin is ready'],
      ['the boot in it', 'the part of it after the imports'],
      ['booted before', 'from createBoot() to ready, in a process that has booted many times'],
      ['ratio', 'how many times as long it takes when it is recorded'],
    ],
  };
}
