import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asBootError, BootError, toProblem } from '../../../core/errors.ts';
import { isInstance, readMessage, hearRejection } from '../../../core/foreign-value.ts';
import { silentLogger, type Logger } from '../../../core/logger.ts';
import type { MigrationSource } from '../../../core/migration-source.ts';
import type { Plugin } from '../../../core/plugin.ts';
import { watchExit } from '../../around/exit-watch.ts';
import { inPackage, type KnownPlugin } from '../load-package.ts';
import type { ServiceRegistry } from '../../around/service-registry.ts';
import type { RegisteringPlugin } from './backend-plugin.ts';
import { completePlugin, type OpenDrizzle } from './complete-plugin.ts';
import { ExtensionPoints } from './extension-points.ts';
import { Registration } from './registration.ts';

/**
 * Calls `register` of every plugin in Checkstack's form, so that all of them are plain plugins. Its state is that of one
 * boot: another boot registers them anew.
 *
 * @param disabled The ids of plugins that take no part: what they provide is wanted for messages only.
 * @throws BootError `PLUGIN_INVALID`, with `problems` when several cannot be registered.
 */
export async function registerPlugins(
  plugins: readonly KnownPlugin[],
  services: ServiceRegistry,
  logger: Logger,
  disabled: ReadonlySet<string>,
): Promise<readonly KnownPlugin[]> {
  if (!plugins.some(({ plugin }) => isRegistering(plugin))) return plugins;
  // Drizzle is a hundred files, and most backends have no plugin in this form.
  const { openDrizzle } = await import('../../../postgres/scoped/scoped-database.ts');
  const points = new ExtensionPoints();
  // Calls of a disabled plugin go to extension points that no plugin reads.
  const nowhere = new ExtensionPoints();
  const seen = new Set<string>();
  const errors: BootError[] = [];
  const registered = plugins.map((known) => {
    const { plugin } = known;
    // A second plugin of the same id is a problem of the graph, and says so there.
    if (!isRegistering(plugin) || seen.has(plugin.id)) return known;
    seen.add(plugin.id);
    const isDisabled = disabled.has(plugin.id);
    try {
      const registration = isDisabled
        ? new Registration(plugin.id, nowhere, services, silentLogger)
        : new Registration(plugin.id, points, services, logger);
      return { ...known, plugin: register(plugin, known, registration, openDrizzle) };
    } catch (thrown) {
      // A broken plugin is what people disable.
      if (!isDisabled) errors.push(invalid(plugin.id, thrown));
      return known;
    }
  });
  refuse(errors);
  return registered;
}

function isRegistering(plugin: Plugin): plugin is RegisteringPlugin {
  return plugin.register !== undefined;
}

function register(
  plugin: RegisteringPlugin,
  known: KnownPlugin,
  registration: Registration,
  openDrizzle: OpenDrizzle,
): Plugin {
  const endWatch = watchExit(() => `register of ${plugin.id}`);
  let returned: unknown;
  try {
    returned = plugin.register(registration.env);
  } finally {
    endWatch();
  }
  registration.close();
  if (isInstance(returned, Promise)) {
    hearRejection(returned, () => undefined);
    throw new TypeError('register() is async: move what takes time into init');
  }
  return completePlugin(plugin, registration, findMigrations(registration, known), openDrizzle);
}

function findMigrations(
  { init }: Registration,
  { source }: KnownPlugin,
): MigrationSource | undefined {
  const told = init.migrations;
  if (!source) return told;
  if (told !== undefined) return inPackage(told, source.path);
  const usual = join(source.path, 'drizzle');
  return existsSync(usual) ? usual : undefined;
}

function invalid(plugin: string, thrown: unknown): BootError {
  const known = asBootError(thrown);
  if (known?.plugin !== undefined) return known;
  const message = `${plugin} cannot be registered: ${readMessage(thrown)}`;
  const hint = 'See what its register() does.';
  return new BootError('PLUGIN_INVALID', message, {
    plugin,
    phase: 'discover',
    cause: thrown,
    hint,
  });
}

function refuse(errors: readonly BootError[]): void {
  const [first, second] = errors;
  if (!first) return;
  if (!second) throw first;
  throw new BootError('PLUGIN_INVALID', `${errors.length} plugins cannot be registered`, {
    phase: 'discover',
    problems: errors.map(toProblem),
    hint: 'Solve every problem listed. Nothing has run yet.',
  });
}
