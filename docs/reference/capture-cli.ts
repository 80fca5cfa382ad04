/** Runs the built program on the example shop, with a PostgreSQL of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../../src/testing/index.ts';
import { linkSlipway } from '../examples/shop/link-slipway.ts';
import { writeCliPage, type Call, type Printed } from './cli-page.ts';

const program = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const cwd = fileURLToPath(new URL('../examples/shop', import.meta.url));

/** Writes docs/cli.md with what the program prints now. */
export async function captureCliPage(): Promise<string> {
  await linkSlipway();
  const postgres = await startPostgres();
  try {
    return await writeCliPage((call) => capture(call, postgres.url));
  } finally {
    await postgres.stop();
  }
}

/** Runs the program, in an environment in which nothing changes what it prints. */
export async function capture({ args, stopAt }: Call, databaseUrl: string): Promise<Printed> {
  const { PATH, HOME, TMPDIR } = process.env;
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { PATH, HOME, TMPDIR, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text;
      if (stopAt?.test(printed[name]) && !child.killed) child.kill('SIGTERM');
    });
  }
  const [code] = await once(child, 'close');
  return { ...printed, code: code as number | null };
}
