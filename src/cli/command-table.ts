import type { Command, Flag } from './command.ts';
import { questionCommands } from './question-commands.ts';
import { config, json, launch, ofFleet, recording, running } from './shared-options.ts';
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
      '--check is for CI: it ends with 3 when there is a problem, a pending file, a missing schema, or an applied file that was edited, came late or is missing here.',
      '--rehearse holds the locks of the pending files on the database itself for as long as they run, at most --within. --copy and --against disturb no session. It ends with 3 when a file fails, finds a lock taken, or does not end in time.',
    ],
    arguments: {},
    options: {
      check: { type: 'flag', summary: 'End with 3 unless everything is applied and fits' },
      sql: { type: 'flag', summary: 'Print the statements that would run, and nothing else' },
      rehearse: {
        type: 'flag',
        summary: 'Run the pending files, report locks, times and rewrites, and roll all of it back',
      },
      within: {
        type: 'value',
        value: 'time',
        summary: 'How long a rehearsal may hold its locks, such as 500ms or 2s; by default 5s',
      },
      functions: {
        type: 'flag',
        summary: 'Rehearse functions, too: what they do outside of the database stays',
      },
      copy: {
        type: 'flag',
        summary: 'Rehearse on a copy of the database, which is dropped afterwards',
      },
      against: {
        type: 'value',
        value: 'url',
        summary: 'Rehearse on this database, and keep what it does: a copy of your own',
      },
      ...ofFleet,
      config,
      json,
    },
    examples: [
      ['plan', 'shows what a boot would do'],
      ['plan --sql > review.sql', 'writes the pending statements into a file'],
      ['plan --check', 'fails in CI when the database and the files do not fit'],
      ['plan --rehearse --within 2s', 'tries the pending files before the deploy'],
      ['plan --fleet targets.ts', 'groups the databases of a fleet by the files that they lack'],
    ],
    exitCodes: [1, 3, 130, 143],
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
      '--fleet migrates many databases with the same plugins: the canaries first, then some side by side. After the first failure no further database begins. Run it again to go on.',
    ],
    arguments: {},
    options: {
      ...ofFleet,
      canary: {
        type: 'value',
        value: 'number',
        summary:
          'How many databases of the list are migrated before all others, besides those with canary: true',
      },
      'keep-going': {
        type: 'flag',
        summary:
          'Go on when a database cannot be reached, loses its connection or is locked by another process',
      },
      ...running,
      json: {
        type: 'flag',
        summary:
          'Print the recording on standard output, and nothing else; of a fleet, its report as one document',
      },
    },
    examples: [
      ['migrate', 'applies what is pending'],
      [
        'migrate --fleet targets.ts --canary 1 --shard 0/4',
        'migrates a quarter of the databases, after the first one of the list',
      ],
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
      launch,
      config,
    },
    examples: [
      ['inspect boot.jsonl', 'shows a recording'],
      ['inspect', 'starts the backend, as slipway start --inspect does'],
    ],
    exitCodes: [1, 4, 130, 143],
  },
  ...questionCommands,
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
      shell: { summary: 'The shell', choices: ['bash', 'zsh', 'fish', 'powershell'] },
    },
    options: {},
    examples: [
      ['complete bash >> ~/.bashrc', 'completes with Tab in bash'],
      ['complete zsh >> ~/.zshrc', 'completes with Tab in zsh'],
      ['complete fish > ~/.config/fish/completions/slipway.fish', 'completes with Tab in fish'],
      ['complete powershell >> $PROFILE', 'completes with Tab in PowerShell'],
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
