import type { Command, Flag } from './command.ts';
import { asking, config, json, recording, running } from './shared-options.ts';
import { upkeepCommands } from './upkeep-commands.ts';

/** Options of every command. */
export const commonOptions = {
  help: { type: 'flag', summary: 'Print this help' },
  verbose: { type: 'flag', summary: 'Print the stack of an error, too' },
} as const satisfies Readonly<Record<string, Flag>>;

/** Every command of the program by its name, in the order of the help. A name may have two words. */
export const commands = {
  plan: {
    group: 'before',
    summary: 'Show what a boot would do: the order, pending files, warnings and problems',
    details: [
      'It reads the plugins, their files and the database, and changes nothing.',
      '--check is for CI: it ends with 3 when there is a problem, a pending file, or an applied file that was edited, came late or is missing here.',
    ],
    arguments: {},
    options: {
      check: { type: 'flag', summary: 'End with 3 unless everything is applied and fits' },
      sql: { type: 'flag', summary: 'Print the statements that would run, and nothing else' },
      config,
      json,
    },
    examples: [
      ['plan', 'shows what a boot would do'],
      ['plan --sql > review.sql', 'writes the pending statements into a file'],
      ['plan --check', 'fails in CI when the database and the files do not fit'],
    ],
    exitCodes: [1, 3],
  },
  status: {
    group: 'before',
    summary: 'Show which migrations are applied and pending, plugin by plugin',
    arguments: {},
    options: {
      check: { type: 'flag', summary: 'End with 3 when a file is pending or there is a problem' },
      fleet: {
        type: 'flag',
        summary: 'Show the sessions of every replica that migrates now, as PostgreSQL sees them',
      },
      config,
      json,
    },
    examples: [
      ['status', 'shows a line for each plugin'],
      ['status --fleet', 'shows which replica migrates which plugin, and who waits for whom'],
    ],
    exitCodes: [1, 3],
  },
  migrate: {
    group: 'boot',
    summary: 'Apply the pending migrations of every plugin, and end',
    details: [
      'For a job that runs before the backend starts. Any number of them may run at once: each file is applied once.',
      'Ctrl-C stops it in good order: what has not been committed is rolled back. A second Ctrl-C cuts it off.',
    ],
    arguments: {},
    options: running,
    examples: [
      ['migrate', 'applies what is pending'],
      [
        'migrate --record boot.jsonl',
        'keeps a recording, so that slipway blame boot.jsonl explains the time',
      ],
    ],
    exitCodes: [1, 4, 130, 143],
  },
  start: {
    group: 'boot',
    summary: 'Migrate and start every plugin, and serve until a signal',
    details: [
      'Ctrl-C or SIGTERM stops every plugin in reverse order. A second Ctrl-C cuts it off.',
      '--json prints each event as a line of a recording, so that slipway why <plugin> can read it from the same output.',
    ],
    arguments: {},
    options: running,
    examples: [
      ['start', 'starts the backend'],
      ['start --inspect', 'shows the boot in the browser, too'],
      ['start --record boot.jsonl', 'keeps a recording'],
    ],
    exitCodes: [1, 4, 130, 143],
  },
  inspect: {
    group: 'boot',
    summary: 'Show a recording in the browser, or start the backend and show its boot',
    details: [
      'It opens no browser. It prints the address of a page of this machine, with a token in it, and serves it until Ctrl-C.',
    ],
    arguments: {
      recording: {
        ...recording,
        summary: 'A recording; without one, the backend is started',
        isOptional: true,
      },
    },
    options: {
      port: {
        type: 'value',
        value: 'port',
        summary: 'The port of 127.0.0.1; by default a free one',
      },
      config,
    },
    examples: [
      ['inspect boot.jsonl', 'shows a recording'],
      ['inspect', 'starts the backend, as slipway start --inspect does'],
    ],
    exitCodes: [1, 4, 130, 143],
  },
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
    examples: [['blame boot.jsonl', 'lists the steps by the time of their own work']],
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
      at: asking.at,
    },
    examples: [
      ['export boot.jsonl --to trace > trace.json', 'writes a file for ui.perfetto.dev'],
      ['export boot.jsonl --to html > boot.html', 'writes the page of the inspector'],
    ],
    exitCodes: [],
  },
  graph: {
    group: 'before',
    summary: 'Print which plugin needs which, and why',
    details: [
      'It reads the plugins and no database, so plugins that the registry has disabled are in it.',
    ],
    arguments: {},
    options: {
      format: {
        type: 'value',
        value: 'format',
        summary: 'The format; by default a list for people',
        choices: ['mermaid', 'dot', 'json'],
      },
      config,
    },
    examples: [
      ['graph', 'lists the plugins in their order, with what each needs'],
      ['graph --format dot | dot -Tsvg > graph.svg', 'draws it with Graphviz'],
    ],
    exitCodes: [1],
  },
  ...upkeepCommands,
  complete: {
    group: 'setup',
    summary: 'Print the script by which a shell completes commands and options',
    arguments: {
      shell: { summary: 'The shell', choices: ['bash', 'zsh', 'fish'] },
    },
    options: {},
    examples: [
      ['complete bash >> ~/.bashrc', 'completes with Tab in bash'],
      ['complete zsh >> ~/.zshrc', 'completes with Tab in zsh'],
      ['complete fish > ~/.config/fish/completions/slipway.fish', 'completes with Tab in fish'],
    ],
    exitCodes: [],
  },
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof commands;

/** The input of a command. */
export type CommandOf<Name extends CommandName> = (typeof commands)[Name];

/** Returns the command of that name. */
export function findCommand(name: string): Command | undefined {
  return Object.hasOwn(commands, name) ? commands[name as CommandName] : undefined;
}
