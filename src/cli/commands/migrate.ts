import type { Boot, BootEventOf } from '../../index.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { ExitCode } from '../exit-codes.ts';
import { runFleet } from '../migrate-fleet.ts';
import { count } from '../page.ts';
import { refuseBeside } from '../read-fleet-options.ts';
import { runBoot } from '../run-boot.ts';

export async function run(input: Input<CommandOf<'migrate'>>): Promise<ExitCode | void> {
  const { fleet } = input.options;
  if (fleet !== undefined) return runFleet(input, fleet);
  const names = ['shard', 'concurrency', 'canary', 'keep-going'];
  refuseBeside(input.options, { fleet, names });
  return runBoot(input, async (boot) => {
    await boot.migrate();
    input.output.note(`\n${summarize(boot)}`);
  });
}

/** One sentence: what was done, or that there was nothing to do. */
function summarize({ events }: Boot): string {
  const planned = events.flatMap((event) =>
    event.type === 'plugin.migrate.planned' && event.tenant === undefined ? [event] : [],
  );
  const applied = events.filter((event) => event.type === 'plugin.migrate.applied');
  const files = planned.reduce(
    (sum, { applied: done, pending }) => sum + done.length + pending.length,
    0,
  );
  const all = `${count(planned.length, 'plugin')}, ${count(files, 'file')}`;
  const made = planned.reduce((sum, { missingSchemas = [] }) => sum + missingSchemas.length, 0);
  if (applied.length === 0 && made > 0) return `Made ${count(made, 'schema')} (${all}).`;
  return applied.length === 0
    ? `Nothing to migrate (${all}).`
    : `Applied ${countApplied(applied)} (${all} in all).`;
}

/** `2 files`; where a plugin has tenants: `2 files to 41 schemas`. */
function countApplied(applied: readonly BootEventOf<'plugin.migrate.applied'>[]): string {
  const files = new Set(applied.map(({ plugin, file }) => `${plugin} ${file}`));
  const schemas = new Set(applied.map(({ plugin, tenant = '' }) => `${plugin} ${tenant}`));
  const hasTenants = applied.some(({ tenant }) => tenant !== undefined);
  return `${count(files.size, 'file')}${hasTenants ? ` to ${count(schemas.size, 'schema')}` : ''}`;
}
