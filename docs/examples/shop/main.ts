import pc from 'picocolors';
import { Pool } from 'pg';
import pino from 'pino';
import { BootError, createLiveOutput, formatBootError } from 'slipway';
import { startPostgres } from 'slipway/testing';
import { createShop } from './shop.ts';

const once = process.argv.includes('--once');
const isTerminal = process.stdout.isTTY;
const write = (text: string): void => void process.stdout.write(text);

const postgres = await startPostgres();
const pool = new Pool({ connectionString: postgres.url });
const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'warn' }, pino.destination(2));
// The pool replaces an idle connection that breaks; without a listener it would end the process.
pool.on('error', (error) => logger.warn({ err: error }, 'an idle connection broke'));

const { boot, server } = createShop({ pool, logger, port: Number(process.env['PORT'] ?? 0) });
boot.onAny(
  createLiveOutput({
    write,
    colors: isTerminal && pc.isColorSupported,
    statusLine: isTerminal,
  }),
);

let isServing = false;
const signaled = new Promise<string>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
});
// Before the boot is ready, a signal makes start() reject with BOOT_CANCELED.
void signaled.then((signal) => (isServing ? undefined : boot.stop(signal)));

try {
  await boot.start();
  const url = await server.listen();
  isServing = true;
  write(`  The shop is open: ${url}\n`);
  if (!once) {
    write('  Ctrl-C closes it.\n');
    await signaled;
  }
} catch (error) {
  const isInterrupted = error instanceof BootError && error.code === 'BOOT_CANCELED';
  process.exitCode = isInterrupted ? 130 : 1;
  console.error(formatBootError(error));
} finally {
  await server.close();
  await boot.stop(once ? 'that was all' : 'the shop closes');
  await pool.end();
  await postgres.stop();
}
