/** A boot with a subscriber that throws at the start of an init. Prints what the process catches, and how the boot ends. */
import { tracingChannel } from 'node:diagnostics_channel';
import { createBoot } from '../../src/index.ts';

process.once('uncaughtException', ({ message }) => console.log(`uncaught: ${message}`));
tracingChannel('slipway.init').start.subscribe(() => {
  throw new Error('a bad subscriber');
});
const pool = process.argv[2] ?? '';
const boot = createBoot({ pool, plugins: [{ id: 'catalog', init: () => undefined }] });
const { outcome } = await boot.start();
console.log(outcome);
await boot.stop();
