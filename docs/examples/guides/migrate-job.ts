import { createBoot, formatBootError } from 'slipway';
import { plugins } from './library.ts';

const boot = createBoot({
  pool: process.env['DATABASE_URL'] ?? 'postgres://localhost/library',
  plugins,
});
boot.on('plugin.migrate.waiting', ({ plugin, holder }) =>
  console.log(`${plugin} waits for ${holder.applicationName ?? 'an unknown session'}`),
);
boot.on('plugin.migrate.applied', ({ plugin, file }) => console.log(`${plugin}: ${file}`));

process.once('SIGTERM', () => void boot.stop('SIGTERM'));
try {
  const { outcome, durationMs } = await boot.migrate();
  console.log(`${outcome} in ${Math.round(durationMs)} ms`);
} catch (error) {
  console.error(formatBootError(error));
  process.exitCode = 1;
}
