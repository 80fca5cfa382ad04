import { parseArgs } from 'node:util';
import { linkSlipway } from './link-slipway.ts';

const usage = `\
Usage: npm run demo -- [options]

  (none)       boots the shop and serves it until Ctrl-C
  --once       boots the shop, and stops it as soon as it is ready
  --upgrade    installs the previous version of the shop, boots this one on it while twenty workers
               keep the connection pool busy, and says how that went
  --help       prints this

  DATABASE_URL   the database; by default a PostgreSQL of its own is started, and removed afterwards
  PORT           the port of the HTTP server; a free one by default
  LOG_LEVEL      how much is logged to standard error: debug, info, warn or error; nothing by default
`;

const options = readOptions();
if (options?.help) {
  process.stdout.write(usage);
} else if (options) {
  // What imports Slipway is imported once it is there.
  await linkSlipway();
  const { runDemo } = await import('./demo.ts');
  await runDemo(options);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: 'boolean', default: false },
        upgrade: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 2;
    return undefined;
  }
}
