import type { Pool, PoolConfig } from 'pg';
import type { Clock } from '../../core/clock.ts';
import { coreServiceIds } from '../../core/core-services.ts';
import { optionsInvalid } from '../../core/errors.ts';
import { knownKeysOnly, list, maybe, record } from '../../core/expect.ts';
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
import { isRecord } from '../../core/foreign-value.ts';
import type { DatabaseSource } from '../../postgres/connection/connection.ts';
import { checkSource } from '../../postgres/connection/source-check.ts';
import { createPinoLogger } from '../../telemetry/log-listener.ts';
import { checkDiscover, type DiscoverOptions, type DiscoverSettings } from './discover-options.ts';
import { checkRegistry, type RegistryOptions, type RegistrySettings } from './registry-options.ts';
import { checkHost, type Host, type HostOptions } from './host-plugin.ts';
import { systemClock } from './system-clock.ts';

/** The options of {@link createBoot}. Durations are ms, or strings such as `'5s'`. */
export interface BootOptions extends SettingsOptions {
  /**
   * A `pg.Pool`, which stays the caller's; or a connection string or a config, from which Slipway makes a pool that it ends
   * itself. A config that names no server takes it from PGHOST and PGDATABASE, as pg does, and is refused where they are not
   * set.
   */
  readonly pool: Pool | string | PoolConfig;
  /**
   * A direct connection for migrations and locks, in the same forms, when `pool` goes through a pooler that keeps no sessions.
   *
   * @default `pool`
   */
  readonly migrationPool?: Pool | string | PoolConfig;
  /**
   * The plugins that are listed by hand, in any order.
   *
   * @default []
   */
  readonly plugins?: readonly Plugin[];
  /** Where to find plugins that are packages: dependencies of the host and of its workspaces. */
  readonly discover?: DiscoverOptions;
  /** The host's own migrations, which run before those of any plugin. */
  readonly host?: HostOptions;
  /**
   * Whether the table `slipway.plugins` is read and kept, in which plugins can be disabled. An object is `true` with options.
   *
   * @default true with `discover`, false without it
   */
  readonly registry?: boolean | RegistryOptions;
  /**
   * The host's own services, made by `provide()`.
   *
   * @default []
   */
  readonly services?: readonly HostService[];
  /**
   * A pino logger, or one like it. A level makes Slipway write JSON lines to standard output.
   *
   * @default a logger that writes nothing
   */
  readonly logger?: Logger | 'debug' | 'info' | 'warn' | 'error';
  /**
   * The source of time, for tests of the host.
   *
   * @default the clock of the system
   */
  readonly clock?: Clock;
}

/** The options, checked and complete. */
export interface BootSettings extends Settings {
  readonly source: DatabaseSource;
  /** For migrations and locks; the same as `source` without the option. */
  readonly migrationSource: DatabaseSource;
  readonly plugins: readonly Plugin[];
  readonly discover: DiscoverSettings | undefined;
  readonly host: Host | undefined;
  /** `undefined` when there is none. */
  readonly registry: RegistrySettings | undefined;
  readonly services: readonly HostService[];
  readonly logger: Logger;
  /** The logger for Slipway's own lines. Its errors are caught. */
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
    plugins: list(checkPlugin)(given['plugins'] ?? [], 'plugins'),
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
  const services = list((item, name) => {
    const { ref, valueFor } = record(item, name);
    if (isRecord(ref) && typeof valueFor === 'function') return item as HostService;
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
  const isLogger = isRecord(value) && levels.every((name) => typeof value[name] === 'function');
  if (isLogger) return value as unknown as Logger;
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
