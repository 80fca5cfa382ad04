import { parseArgs } from 'node:util';

export const situationNames = ['slow-migration', 'lock', 'hang', 'failed', 'dependency'] as const;
export type SituationName = (typeof situationNames)[number];

/** What the demo is asked to do. At most one of `once`, `upgrade`, `grow`, `show` and `plugins` is set. */
export interface DemoOptions {
  readonly once: boolean;
  readonly upgrade: boolean;
  readonly grow: boolean;
  readonly show?: SituationName;
  readonly plugins?: number;
  readonly slow: boolean;
}

const mostPlugins = 2_000;

export const usage = `\
Usage: npm run demo -- [options]

  (none)          boots the shop and serves it until Ctrl-C
  --once          boots the shop, and stops it as soon as it is ready
  --upgrade       installs the previous version of the shop, boots this one on it while twenty workers
                  keep the connection pool busy, and says how that went
  --grow          opens the shop, and adds a twelfth plugin, removes it and adds it again while twenty
                  customers shop, and says what they saw
  --show <what>   boots a shop that has a problem, and keeps it open until Ctrl-C:
                    slow-migration   a migration that takes a minute
                    lock             another process holds a migration lock, and is blocked itself
                    hang             a plugin whose init waits for an answer that never comes
                    failed           a migration with an error in it
                    dependency       a plugin that cannot start, and ten that need it
  --plugins <n>   boots a generated backend of n plugins (1 to ${mostPlugins}) until Ctrl-C
  --slow          slows everything down, so that you can watch it
  --help          prints this

  Without --once, --upgrade and --grow it prints the address of the inspector first.

  DATABASE_URL   the database; by default a PostgreSQL of its own is started, and removed afterwards
  PORT           the port of the HTTP server; a free one by default
  LOG_LEVEL      how much is logged to standard error: debug, info, warn or error; nothing by default
`;

/**
 * Reads the arguments of the demo; `help` when they ask for it.
 *
 * @throws Error for an option or a value that it does not know
 */
export function readOptions(args: readonly string[]): DemoOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean', default: false },
      upgrade: { type: 'boolean', default: false },
      grow: { type: 'boolean', default: false },
      show: { type: 'string' },
      plugins: { type: 'string' },
      slow: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { once, upgrade, grow, show, plugins, slow, help } = values;
  if (help) return 'help';
  const ways = [
    once && '--once',
    upgrade && '--upgrade',
    grow && '--grow',
    show && '--show',
    plugins && '--plugins',
  ];
  const chosen = ways.filter(Boolean);
  if (chosen.length > 1) throw new Error(`Choose one of ${chosen.join(' and ')}`);
  return {
    once,
    upgrade,
    grow,
    slow,
    ...(show !== undefined && { show: readSituation(show) }),
    ...(plugins !== undefined && { plugins: readCount(plugins) }),
  };
}

function readSituation(text: string): SituationName {
  const name = situationNames.find((known) => known === text);
  if (name) return name;
  throw new Error(`Expected --show to be one of ${situationNames.join(', ')}, got '${text}'`);
}

function readCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= mostPlugins) return count;
  throw new Error(`Expected --plugins to be an integer from 1 to ${mostPlugins}, got '${text}'`);
}
