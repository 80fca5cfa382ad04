import type { Command } from './command.ts';
import { config, json } from './shared-options.ts';

/** The plugin that a repair is for. */
const repaired = {
  plugin: { summary: 'The id of the plugin; the id of the host is host' },
} as const;

/** Options of the repairs that change something. */
const repairing = {
  yes: { type: 'flag', summary: 'Do it, and ask nothing' },
  wait: {
    type: 'value',
    value: 'time',
    summary: 'How long to wait for the migration lock, such as 30s; by default not at all',
  },
  config,
  json,
} as const satisfies Command['options'];

/** What all repairs have in common, for their help. */
const repairDetails = [
  'It first shows what it would do, and asks on a terminal. Elsewhere it changes nothing without --yes.',
];

/** The commands that look after a host and its database, in the order of the help. */
export const upkeepCommands = {
  doctor: {
    group: 'before',
    summary: 'Examine the host, its plugins and its database, and say what to do',
    details: [
      'It looks at the connection, versions, rights, settings and limits, and at what earlier boots have left behind. It changes nothing.',
      'It ends with 0 whatever it finds. --check is for scripts: it ends with 3 when there is a problem. Warnings and unknown answers are none.',
    ],
    arguments: {},
    options: {
      check: { type: 'flag', summary: 'End with 3 when there is a problem' },
      replicas: {
        type: 'value',
        value: 'number',
        summary: 'How many replicas run at once, for the check of the connections',
      },
      config,
      json,
    },
    examples: [
      ['doctor', 'shows a line for each check, with what to do'],
      ['doctor --check --replicas 6', 'fails in a pipeline when something has to be changed'],
    ],
    exitCodes: [1, 3],
  },
  'repair baseline': {
    group: 'repair',
    summary: 'Count the files of a plugin as applied without running them',
    details: [
      'For a database that has it all already, made by another tool or by hand. Makes the schema and the history where they are missing. Repeatable files are left to the next boot.',
      ...repairDetails,
    ],
    arguments: repaired,
    options: {
      'up-to': {
        type: 'value',
        value: 'file',
        summary: 'The last file that counts as applied; by default the last one that there is',
      },
      from: {
        type: 'value',
        value: 'tool',
        summary:
          'Only what the history of that tool has: dbmate, goose, flyway, node-pg-migrate, sql-migrate or prisma',
      },
      table: {
        type: 'value',
        value: 'schema.table',
        summary: 'The table of that history, when it has another name or place',
      },
      ...repairing,
    },
    examples: [
      ['repair baseline catalog', 'shows which files would count as applied, and asks'],
      ['repair baseline catalog --from dbmate', 'counts only what dbmate has applied'],
      ['repair baseline catalog --up-to 0003_prices.sql --yes', 'does it for some of them'],
    ],
    exitCodes: [1, 4],
  },
  'repair mark-applied': {
    group: 'repair',
    summary: 'Count single files as applied without running them',
    details: ['For a file whose work was done by hand.', ...repairDetails],
    arguments: repaired,
    options: {
      file: { type: 'list', value: 'file', summary: 'The file that counts as applied' },
      ...repairing,
    },
    examples: [
      ['repair mark-applied catalog --file 0004_index.sql', 'shows what it would do, and asks'],
    ],
    exitCodes: [1, 4],
  },
  'repair accept-edited': {
    group: 'repair',
    summary: 'Take applied files that were edited since as right',
    details: ['Their hash goes into the history. Nothing of them is run.', ...repairDetails],
    arguments: repaired,
    options: {
      file: {
        type: 'list',
        value: 'file',
        summary: 'The file whose text is right as it is now; by default every edited file',
      },
      ...repairing,
    },
    examples: [['repair accept-edited catalog', 'shows which files were edited, and asks']],
    exitCodes: [1, 4],
  },
  'repair forget': {
    group: 'repair',
    summary: 'Delete the rows of a history that no file of the plugin matches',
    details: [
      'For a folder whose files were squashed by other means. Rows of files that are there stay. A release that still has the forgotten files is stopped, and does not run them again.',
      ...repairDetails,
    ],
    arguments: repaired,
    options: {
      row: {
        type: 'list',
        value: 'row',
        summary: 'The row to forget, as messages name it; by default every row without a file',
      },
      ...repairing,
    },
    examples: [['repair forget catalog', 'shows which rows it would delete, and asks']],
    exitCodes: [1, 4],
  },
  'repair relocate': {
    group: 'repair',
    summary: 'Move what was stranded in public into the schema of its plugin',
    details: [
      'Data, indexes, grants and foreign keys move along. Nothing moves that the host, an extension or another plugin may own.',
      ...repairDetails,
    ],
    arguments: repaired,
    options: {
      object: {
        type: 'list',
        value: 'name',
        summary: "The object to move; by default every one that is certainly the plugin's",
      },
      ...repairing,
    },
    examples: [
      ['repair relocate catalog', 'shows what would move, and asks'],
      ['repair relocate catalog --object tags --yes', 'moves what two plugins may own'],
    ],
    exitCodes: [1, 4],
  },
  'repair holder': {
    group: 'repair',
    summary: 'Show the session that holds the migration lock of a plugin, and end it on request',
    details: [
      'What the session has not committed is rolled back, and its process fails. Without --terminate nothing is ended; with it, the command asks on a terminal, and elsewhere needs --yes.',
    ],
    arguments: repaired,
    options: {
      terminate: { type: 'flag', summary: 'End that session' },
      yes: { type: 'flag', summary: 'End it, and ask nothing' },
      config,
      json,
    },
    examples: [
      ['repair holder catalog', 'shows the session, what it does and whom it waits for'],
      ['repair holder catalog --terminate', 'asks, and ends it'],
    ],
    exitCodes: [1],
  },
  init: {
    group: 'setup',
    summary: 'Write a config and a first plugin into this folder',
    details: [
      'It writes TypeScript where there is a tsconfig.json or typescript is installed, and JavaScript elsewhere. It installs nothing, and changes no file that is there.',
    ],
    arguments: {},
    options: { json },
    examples: [['init', 'writes slipway.config.ts and plugins/notes, and prints what to run next']],
    exitCodes: [],
  },
} as const satisfies Readonly<Record<string, Command>>;
