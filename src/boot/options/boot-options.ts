import type { Pool, PoolConfig } from 'pg';
import type { Clock } from '../../core/clock.ts';
import { coreServiceIds } from '../../core/core-services.ts';
import { optionsInvalid } from '../../core/errors.ts';
import { knownKeysOnly, listOf, maybe, record } from '../../core/expect.ts';
import { guardLogger, silentLogger, type Logger } from '../../core/logger.ts';
import type { Plugin } from '../../core/plugin.ts';
import { checkPlugin } from '../../core/plugin-check.ts';
import type { HostService } from '../../core/service.ts';
import {
  checkSettings,
  settingNames,
  type Settings,
  type SettingsOptions,
} from '../../core/settings.ts';
import type { DatabaseSource } from '../../postgres/connection/connection.ts';
import { checkSource } from '../../postgres/connection/source-check.ts';
import { createPinoLogger } from '../../telemetry/log-listener.ts';
import { checkDiscover, type DiscoverOptions, type DiscoverSetup } from './discover-options.ts';
import { checkRegistry, type RegistryOptions, type RegistrySetup } from './registry-options.ts';
import { checkHost, type Host, type HostOptions } from './host-plugin.ts';
import { systemClock } from './system-clock.ts';

/** What {@link createBoot} takes. Durations are ms, or strings such as `'5s'`. */
export interface BootOptions extends SettingsOptions {
  /**
   * A `pg.Pool`, which stays the caller's; or a connection string or config, then Slipway makes the pool and ends it. A config
   * that names no server takes it from PGHOST and PGDATABASE, as pg does, and is refused where they are not set.
   */
  readonly pool: Pool | string | PoolConfig;
  /**
   * Where migrations and locks go when `pool` goes through a pooler that keeps no sessions: a direct connection, in the same
   * forms. `pool` unless told.
   */
  readonly migrationPool?: Pool | string | PoolConfig;
  /** In any order. */
  readonly plugins?: readonly Plugin[];
  /** Also starts the plugins that are packages, of the host and of its workspaces. */
  readonly discover?: DiscoverOptions;
  /** The host's own migrations, before those of any plugin. */
  readonly host?: HostOptions;
  /**
   * Whether the table `slipway.plugins` is read and kept, in which plugins are switched off; on with `discover`. An object is
   * `true` with its options.
   */
  readonly registry?: boolean | RegistryOptions;
  /** The host's own services, made by `provide()`. */
  readonly services?: readonly HostService[];
  /** A pino logger or one like it; or a level, then Slipway writes JSON lines to standard output. Silent unless told. */
  readonly logger?: Logger | 'debug' | 'info' | 'warn' | 'error';
  /** Time itself, for tests of the host; the system's unless told. */
  readonly clock?: Clock;
}

/** The options, checked and complete. */
export interface BootSettings extends Settings {
  readonly source: DatabaseSource;
  /** Of migrations and locks; that of everything else unless told. */
  readonly migrationSource: DatabaseSource;
  readonly plugins: readonly Plugin[];
  readonly discover: DiscoverSetup | undefined;
  readonly host: Host | undefined;
  /** `undefined` when there is none. */
  readonly registry: RegistrySetup | undefined;
  readonly services: readonly HostService[];
  readonly logger: Logger;
  /** The logger for what Slipway itself says: one that throws harms nobody. */
  readonly ownLogger: Logger;
  readonly clock: Clock;
}

const ownOptions = [
  'pool',
  'migrationPool',
  'plugins',
  'discover',
  'host',
  'registry',
  'services',
  'logger',
  'clock',
];
const levels = ['debug', 'info', 'warn', 'error'] as const;

/**
 * Checks the options of a boot, fills in the defaults and freezes them. Does nothing else.
 *
 * @throws BootError `OPTIONS_INVALID` or `PLUGIN_INVALID`
 */
export function checkBootOptions(options: BootOptions): BootSettings {
  const given = record(options, 'the options of createBoot()');
  knownKeysOnly(given, [...ownOptions, ...settingNames], '');
  const source = checkSource(given['pool'], 'pool');
  const logger = checkLogger(given['logger']);
  const plain = Object.fromEntries(settingNames.map((name) => [name, given[name]]));
  return Object.freeze({
    source,
    migrationSource:
      given['migrationPool'] === undefined
        ? source
        : checkSource(given['migrationPool'], 'migrationPool'),
    plugins: listOf(checkPlugin)(given['plugins'] ?? [], 'plugins'),
    discover: maybe(checkDiscover)(given['discover'], 'discover'),
    host: maybe(checkHost)(given['host'], 'host'),
    registry: checkRegistry(given['registry'] ?? given['discover'] !== undefined, 'registry'),
    services: checkServices(given['services']),
    logger,
    ownLogger: guardLogger(logger),
    clock: checkClock(given['clock']),
    ...checkSettings(plain),
  });
}

function checkServices(value: unknown): readonly HostService[] {
  const services = listOf((item, name) => {
    const { ref, valueFor } = record(item, name);
    if (typeof ref === 'object' && typeof valueFor === 'function') return item as HostService;
    throw optionsInvalid(name, 'a service made by provide()', item);
  })(value ?? [], 'services');
  services.forEach(({ ref }, index) => {
    const isTaken =
      ref.kind === 'service' && services.findIndex((other) => other.ref.id === ref.id) !== index;
    if (isTaken || coreServiceIds.has(ref.id)) {
      throw optionsInvalid(`services[${index}]`, 'a service that is provided only once', ref.id);
    }
  });
  return services;
}

function checkLogger(value: unknown): Logger {
  if (value === undefined) return silentLogger;
  const level = levels.find((known) => known === value);
  if (level !== undefined) return createPinoLogger(level);
  const methods = typeof value === 'object' && value !== null ? value : {};
  const isLogger = levels.every((name) => typeof Reflect.get(methods, name) === 'function');
  if (isLogger) return value as Logger;
  throw optionsInvalid(
    'logger',
    `a logger with ${levels.join(', ')}, or one of these levels`,
    value,
  );
}

function checkClock(value: unknown): Clock {
  if (value === undefined) return systemClock;
  const given = record(value, 'clock');
  const isClock = ['now', 'elapsed', 'after'].every((name) => typeof given[name] === 'function');
  if (isClock) return value as Clock;
  throw optionsInvalid('clock', 'an object with now, elapsed and after', value);
}
