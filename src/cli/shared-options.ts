import type { Command, Flag, ValueOption } from './command.ts';

/** The config of the host. */
export const config = {
  type: 'value',
  value: 'path',
  summary: 'The config; by default slipway.config.ts, .mts, .js or .mjs in the working folder',
} as const satisfies ValueOption;

/** An answer for programs. */
export const json = {
  type: 'flag',
  summary: 'Print one JSON document on standard output, and nothing else',
} as const satisfies Flag;

/** The recording that a question is about. */
export const recording = {
  summary:
    'A recording, also one that is still written; the address of an inspector; or - for standard input',
} as const;

/** One launch of those that followed. */
export const launch = {
  type: 'value',
  value: 'number',
  summary: 'Look at this launch, which added plugins while the boot was up: 2, 3, …',
} as const satisfies ValueOption;

/** Options of the questions about a boot. */
export const asking = {
  launch,
  at: {
    type: 'value',
    value: 'time',
    summary:
      'Look at the boot, or the launch, as it stood at this moment after its start, such as 1500ms or 3s',
  },
  md: { type: 'flag', summary: 'Print Markdown' },
  json,
} as const satisfies Command['options'];

/** Options of the commands that run a boot. */
export const running = {
  record: {
    type: 'value',
    value: 'path',
    summary: 'Record the boot into this file, for the questions about it',
  },
  inspect: {
    type: 'value',
    value: 'port',
    without: '0',
    summary: 'Serve the inspector, at a free port unless you name one, and print its address',
  },
  config,
  json: { type: 'flag', summary: 'Print the recording on standard output, and nothing else' },
} as const satisfies Command['options'];

/** Options of the commands that take a fleet: a database for each tenant. */
export const ofFleet = {
  fleet: {
    type: 'value',
    value: 'targets',
    summary:
      'The module of a fleet: its default export is a list of databases, or a function that returns one',
  },
  shard: {
    type: 'value',
    value: 'i/n',
    summary: 'Of a fleet, only part i of n; it counts from 0. /n takes i from JOB_COMPLETION_INDEX',
  },
  concurrency: {
    type: 'value',
    value: 'number',
    summary: 'How many databases of a fleet at once; by default 4',
  },
} as const satisfies Command['options'];
