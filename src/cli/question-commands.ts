import type { Command } from './command.ts';
import { asking, config, json, launch, recording } from './shared-options.ts';

/** The questions about a boot, or about two. */
export const questionCommands = {
  why: {
    group: 'questions',
    summary: 'Explain why a plugin is where it is, down to the root cause',
    arguments: { plugin: { summary: 'The id of the plugin' }, recording },
    options: asking,
    examples: [
      ['why billing boot.jsonl', 'explains why billing is not up, or why it came late'],
      ['why billing boot.jsonl --at 3s', 'explains what it waited for 3 s after the start'],
      [
        'why billing "http://127.0.0.1:4477/?token=…"',
        'asks a boot that runs, through its inspector',
      ],
    ],
    exitCodes: [],
  },
  blame: {
    group: 'questions',
    summary: 'List the steps that worked longest, with their waits apart',
    arguments: { recording },
    options: {
      all: { type: 'flag', summary: 'List every step, and not only the 20 longest' },
      ...asking,
    },
    examples: [
      ['blame boot.jsonl', 'lists the steps by the time of their own work'],
      ['blame boot.jsonl --launch 2', 'lists those of the plugins that were added first'],
    ],
    exitCodes: [],
  },
  'critical-chain': {
    group: 'questions',
    summary: 'Show the work and the waits that decided how long the boot took',
    arguments: { recording },
    options: asking,
    examples: [['critical-chain boot.jsonl', 'shows what to make faster first']],
    exitCodes: [],
  },
  timeline: {
    group: 'questions',
    summary: 'Draw when each plugin waited and worked',
    details: ['Long stretches in which nothing begins or ends are drawn short, and listed below.'],
    arguments: { recording },
    options: asking,
    examples: [['timeline boot.jsonl', 'draws a bar for each plugin']],
    exitCodes: [],
  },
  'what-if': {
    group: 'questions',
    summary: 'Calculate how long the boot would have taken with other options',
    arguments: { recording },
    options: {
      'migrate-concurrency': {
        type: 'value',
        value: 'number',
        summary: 'So many plugins may migrate at once',
      },
      'init-concurrency': {
        type: 'value',
        value: 'number',
        summary: 'So many plugins may start at once',
      },
      without: {
        type: 'list',
        value: 'step',
        summary: 'This plugin, or step of one such as catalog.init, takes no time',
      },
      ...asking,
    },
    examples: [
      ['what-if boot.jsonl --init-concurrency 16', 'calculates what more slots would save'],
      ['what-if boot.jsonl --without catalog.init', 'calculates what a faster catalog would save'],
    ],
    exitCodes: [],
  },
  diff: {
    group: 'questions',
    summary: 'Compare two boots: where the second one lost or saved its time, and what has changed',
    arguments: {
      before: { summary: 'The recording of the first boot', isOptional: true },
      after: { summary: 'The recording of the second boot', isOptional: true },
    },
    options: {
      last: {
        type: 'flag',
        summary: 'Compare the last two boots of the history, in place of two recordings',
      },
      config,
      md: asking.md,
      json,
    },
    examples: [
      ['diff boot.jsonl.previous boot.jsonl', 'compares the last two recordings of one machine'],
      ['diff --last', 'compares the last two boots in the history of the database'],
    ],
    exitCodes: [1],
  },
  history: {
    group: 'questions',
    summary: 'List the last boots of this database, or print the recording of one',
    details: [
      'The option `history: true` of the boot keeps those that get ready, in the table slipway.boots.',
      'The recording of one is without single statements. All questions can be asked of it.',
    ],
    arguments: {
      boot: { summary: 'The first characters of the id of a boot', isOptional: true },
    },
    options: {
      last: { type: 'value', value: 'number', summary: 'List so many boots; by default 20' },
      config,
      md: asking.md,
      json,
    },
    examples: [
      ['history', 'lists the last boots, with the step that took longest'],
      ['history 3fa85f64 > boot.jsonl', 'writes the recording of one into a file'],
      ['history 3fa85f64 | slipway blame -', 'asks a question about it'],
    ],
    exitCodes: [1],
  },
  findings: {
    group: 'questions',
    summary: 'List what is worth a look, with its evidence and what a change would save',
    arguments: { recording },
    options: asking,
    examples: [['findings boot.jsonl', 'lists what to look at']],
    exitCodes: [],
  },
  verify: {
    group: 'questions',
    summary: "Check that the boot kept every one of Slipway's promises",
    arguments: { recording },
    options: asking,
    examples: [['verify boot.jsonl', 'ends with 3 when a promise was broken']],
    exitCodes: [3],
  },
  export: {
    group: 'questions',
    summary: 'Write a boot in a format that other programs open',
    details: [
      'trace is for Perfetto, otlp for Jaeger and collectors, markdown for a ticket, mermaid and mermaid-graph for GitHub, dot for Graphviz, svg for a document, and html is the page of the inspector in one file.',
    ],
    arguments: { recording },
    options: {
      to: {
        type: 'value',
        value: 'format',
        summary: 'The format',
        choices: ['trace', 'otlp', 'markdown', 'mermaid', 'mermaid-graph', 'dot', 'svg', 'html'],
      },
      launch,
      at: asking.at,
    },
    examples: [
      ['export boot.jsonl --to trace > trace.json', 'writes a file for ui.perfetto.dev'],
      ['export boot.jsonl --to html > boot.html', 'writes the page of the inspector'],
    ],
    exitCodes: [],
  },
} as const satisfies Readonly<Record<string, Command>>;
