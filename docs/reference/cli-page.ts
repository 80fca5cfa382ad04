/** Writes docs/cli.md from the table of commands, and from what the program prints on the example shop. */
import { readFileSync } from 'node:fs';
import { groups, type Command } from '../../src/cli/command.ts';
import { commands, type CommandName } from '../../src/cli/command-table.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { writeCommandHelp } from '../../src/cli/help.ts';

/** A call of the program, in the folder of the shop. */
export interface Call {
  readonly args: readonly string[];
  /** The program gets a SIGTERM when it has printed this. */
  readonly stopAt?: RegExp;
}

/** The end of a call. */
export interface Printed {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const recording = '../insight/after.jsonl';
const broken = ['--config', 'situations/failed.config.ts'];

/** What is shown of each command, in this order on one database. */
const calls: readonly (readonly [CommandName, string, Call])[] = [
  ['graph', 'The shop:', { args: ['graph'] }],
  ['plan', 'The shop, on an empty database:', { args: ['plan'] }],
  ['migrate', 'The shop, on an empty database:', { args: ['migrate'] }],
  ['migrate', 'Again: nothing is left to do.', { args: ['migrate'] }],
  ['status', 'The shop, once it is migrated:', { args: ['status'] }],
  ['status', 'Its replicas, as PostgreSQL sees them:', { args: ['status', '--fleet'] }],
  ['doctor', 'The shop, once it is migrated:', { args: ['doctor', '--replicas', '2'] }],
  [
    'repair relocate',
    'Nothing of the shop is in the wrong place:',
    { args: ['repair', 'relocate', 'catalog'] },
  ],
  ['repair holder', 'No replica migrates:', { args: ['repair', 'holder', 'catalog'] }],
  ['start', 'The shop, until a signal:', { args: ['start'], stopAt: /Ctrl-C stops it/ }],
  [
    'plan',
    'The shop with a plugin whose files are pending, in CI:',
    { args: ['plan', '--check', ...broken] },
  ],
  [
    'repair baseline',
    'A plugin whose files are pending, where no person can be asked:',
    { args: ['repair', 'baseline', 'vouchers', '--up-to', '0001_vouchers.sql', ...broken] },
  ],
  [
    'migrate',
    'The shop with a migration that has the name of a column wrong:',
    { args: ['migrate', ...broken] },
  ],
  ['why', 'A boot that ended without two plugins:', { args: ['why', 'suggest', recording] }],
  [
    'why',
    'The same boot, one second after its start:',
    { args: ['why', 'billing', recording, '--at', '1s'] },
  ],
  ['blame', '', { args: ['blame', recording] }],
  ['critical-chain', '', { args: ['critical-chain', recording] }],
  ['timeline', '', { args: ['timeline', recording] }],
  ['what-if', '', { args: ['what-if', recording, '--without', 'auth.init'] }],
  ['diff', '', { args: ['diff', '../insight/before.jsonl', recording] }],
  ['findings', '', { args: ['findings', recording] }],
  ['verify', '', { args: ['verify', recording] }],
  ['export', '', { args: ['export', recording, '--to', 'mermaid-graph'] }],
];

/**
 * Writes the page.
 *
 * @param call Runs the program on the shop, always with the same empty database.
 */
export async function writeCliPage(call: (call: Call) => Promise<Printed>): Promise<string> {
  const shown = new Map<CommandName, string[]>();
  for (const [name, title, each] of calls) {
    const blocks = shown.get(name) ?? [];
    shown.set(name, [...blocks, title, writeCall(each, await call(each))]);
  }
  const sections = Object.entries(groups).flatMap(([group, title]) => {
    const own = Object.entries<Command>(commands).filter(([, each]) => each.group === group);
    if (own.length === 0) return [];
    return [`## ${title}`, ...own.flatMap(([name]) => describeCommand(name as CommandName, shown))];
  });
  return `${[introduction(), ...sections].filter(Boolean).join('\n\n')}\n`;
}

function describeCommand(
  name: CommandName,
  shown: ReadonlyMap<CommandName, readonly string[]>,
): readonly string[] {
  return [`### slipway ${name}`, fence(writeCommandHelp(name, 100)), ...(shown.get(name) ?? [])];
}

/** What a boot or a plan says every now and then while it lasts; on a fast machine it lasts too short for it. */
const heartbeat =
  /^(?: {2}(?:The boot (?:looks|waits)|\S+ (?:waits|applies|prepares|tries|starts:|gets ready:)) |Still waiting for PostgreSQL, ).*\n/gm;

/** As a terminal shows it: both streams, and the exit code when it is none of success. */
function writeCall({ args }: Call, { code, stdout, stderr }: Printed): string {
  const log = stderr.replaceAll(heartbeat, '');
  const text = `${stdout}${log}`.replace(/^\n+/, '').trimEnd();
  const end = code === 0 ? '' : `\n\nexit code ${code}`;
  return fence(`$ slipway ${args.join(' ')}\n\n${text}${end}`);
}

function fence(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}

function introduction(): string {
  const config = readFileSync(
    new URL('../examples/shop/slipway.config.ts', import.meta.url),
    'utf8',
  );
  const rows = Object.entries<Command>(commands).map(
    ([name, { summary }]) =>
      `| [\`${name}\`](#slipway-${name.replaceAll(' ', '-')}) | ${summary} |`,
  );
  const codes = Object.entries(exitCodes).map(([code, meaning]) => `| ${code} | ${meaning} |`);
  return `# The command line

<!-- Made by \`npm run docs\` from src/cli/command-table.ts and from what the program prints. -->

\`npx slipway <command>\` does with a backend what its process does, and answers questions about its boots. It uses the functions
that the package exports, and no others.

| command | what it does |
| --- | --- |
${rows.join('\n')}

## The config

The commands that need the plugins read \`slipway.config.ts\`, \`.mts\`, \`.js\` or \`.mjs\` of the working folder, or the file that
\`--config\` names. Its default export is the options of \`createBoot()\`, or a function that makes them.

<!-- program: docs/examples/shop/slipway.config.ts -->

\`\`\`ts
${config}\`\`\`

Node.js imports TypeScript itself from 22.18 on. Before that, [jiti](https://github.com/unjs/jiti) does. Pools that the config
makes are ended after the command. A config that opens other connections keeps the process alive until they are closed.

## What is printed where

- **Answers** go to standard output, and all else to standard error: the progress of a boot, what a check has found, errors, and
  what a config prints with \`console.log()\`. Only \`migrate\` and \`start\` leave standard output to the backend.
- **The error is the last thing** on standard error, also in a pipe and in the log of a container. \`--verbose\`, or the variable
  \`DEBUG\`, prints its stack before it.
- **Progress** is drawn in place on a terminal. In CI, with \`TERM=dumb\` and in a pipe each line is printed once. \`NO_COLOR\`
  turns colours off.
- **\`--json\`** prints one document with its format, such as \`slipway.plan/1\`. \`slipway/documents.schema.json\` has the JSON
  Schema of each. A command that runs a boot prints its [recording](recording.md), line by line, which the questions read: as a
  file, or as \`-\` from standard input. Standard output has nothing else then.
- **\`--md\`** prints Markdown, for a ticket or a chat.
- A level in the option \`logger\` writes a log to standard output. On a terminal and with \`--json\` it is left out.
- **\`slipway complete\`** prints the script by which Tab completes. That of PowerShell is written for 5.1 and later; its tests run
  it only where \`pwsh\` is installed.
- **In GitHub Actions** \`slipway plan\` annotates the place of each problem in its file, and it, \`migrate\` and \`start\` write a summary of
  the job.

| exit code | meaning |
| --- | --- |
${codes.join('\n')}

A pending migration is no failure, except for \`--check\`. A clean stop of a backend that was up is 0. A second Ctrl-C ends the process
at once, as the signal itself does.

The questions take a recording: of a boot that has ended, of one that runs on this machine, of a process that was killed. They
also take the address of an [inspector](inspector.md), with its token, and show the boot as it stands now. \`--at\` goes back in
time.`;
}
