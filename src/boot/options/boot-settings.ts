import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../core/clock.ts';
import { levels } from '../../core/event-levels.ts';
import { optionsInvalid } from '../../core/errors.ts';
import {
  boolean,
  group,
  knownKeysOnly,
  list,
  maybe,
  oneOf,
  record,
  text,
} from '../../core/expect.ts';
import type { AppName } from '../../core/events.ts';
import { isRecord } from '../../core/foreign-value.ts';
import { guardLogger, silentLogger, type Logger } from '../../core/logger.ts';
import { checkPlugin } from '../../core/plugin-check.ts';
import type { Plugin } from '../../core/plugin.ts';
import { ownSchemaName } from '../../core/schema-name.ts';
import type { HostService } from '../../core/service.ts';
import { checkSettings, settingNames, type Settings } from '../../core/settings.ts';
import type { DatabaseSource } from '../../postgres/connection/connection.ts';
import { checkSource } from '../../postgres/connection/source-check.ts';
import { createPinoLogger } from '../../telemetry/log-listener.ts';
import type { BootOptions } from './boot-options.ts';
import { systemClock } from './system-clock.ts';

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
  readonly hostApp: AppName | undefined;
  /** The path of a file, or a function that gets lines. */
  readonly record: string | ((lines: string) => void) | undefined;
  /** Whether the boot is kept in the history. */
  readonly history: boolean;
  readonly clock: Clock;
}

/** Where to find plugins that are packages. */
export interface DiscoverSettings {
  /** An absolute path. */
  readonly root: string;
  readonly field: string;
  readonly type: string;
}

/** The host as a plugin that all others need, with a schema of its own choice. */
interface Host {
  readonly plugin: Plugin;
  readonly schema: string;
  readonly historySchema: string;
}

/** The checked options of the registry of plugins. */
interface RegistrySettings {
  readonly missing: 'warn' | 'error';
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
  'hostApp',
  'record',
  'history',
  'clock',
];
const checkDiscover = group({
  root: [checkRoot, undefined],
  field: [text(/\S/, 'the name of a field of package.json'), 'slipway'],
  type: [oneOf('backend'), 'backend'],
});
const registryGroup = group({ missing: [oneOf('warn', 'error'), 'warn'] });
const hostAppGroup = group({
  name: [text(/\S/, 'the name of an application'), undefined],
  version: [maybe(text(/\S/, 'a version')), undefined],
});
/** The methods that a logger must have. */
const logMethods = ['debug', 'info', 'warn', 'error'] as const;

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
    hostApp: maybe(checkHostApp)(given['hostApp'], 'hostApp'),
    record: maybe(checkRecord)(given['record'], 'record'),
    history: boolean(given['history'] ?? false, 'history'),
    clock: checkClock(given['clock']),
    ...checkSettings(plain),
  });
}

function checkRoot(value: unknown, name: string): string {
  if (value instanceof URL && value.protocol === 'file:') return fileURLToPath(value);
  if (typeof value === 'string' && value.startsWith('file:')) return fileURLToPath(value);
  if (typeof value === 'string' && isAbsolute(value)) return value;
  throw optionsInvalid(name, 'an absolute path or a file: URL', value);
}

function checkHost(value: unknown, name: string): Host {
  const given = record(value, name);
  knownKeysOnly(given, ['migrations', 'schema', 'historySchema', 'schemas'], name);
  if (given['migrations'] === undefined) {
    throw optionsInvalid(`${name}.migrations`, 'a file: URL or an absolute path', undefined);
  }
  return Object.freeze({
    // The id of the host in events and in the report. No plugin can have it beside the host.
    plugin: checkPlugin(readHost(given), name),
    schema: ownSchemaName(given['schema'] ?? 'public', `${name}.schema`),
    historySchema: ownSchemaName(given['historySchema'] ?? 'drizzle', `${name}.historySchema`),
  });
}

function readHost({ migrations, schemas }: Readonly<Record<string, unknown>>): object {
  return {
    id: 'host',
    migrations,
    ...(schemas !== undefined && { schemas: Array.isArray(schemas) ? [...schemas] : schemas }),
  };
}

function checkRegistry(value: unknown, name: string): RegistrySettings | undefined {
  if (value === false) return undefined;
  if (value === true) return registryGroup({}, name);
  if (isRecord(value)) return registryGroup(value, name);
  throw optionsInvalid(name, 'true, false or an object', value);
}

/** The graph refuses services that are provided twice. */
function checkServices(value: unknown): readonly HostService[] {
  return list((item, name) => {
    const { ref, valueFor } = record(item, name);
    if (isRecord(ref) && typeof valueFor === 'function') return item as HostService;
    throw optionsInvalid(name, 'a service made by provide()', item);
  })(value ?? [], 'services');
}

function checkLogger(value: unknown): Logger {
  if (value === undefined) return silentLogger;
  const level = levels.find((known) => known === value);
  if (level !== undefined) return createPinoLogger(level);
  const isLogger = isRecord(value) && logMethods.every((name) => typeof value[name] === 'function');
  if (isLogger) return value as unknown as Logger;
  throw optionsInvalid(
    'logger',
    `a logger with ${logMethods.join(', ')}, or one of the levels ${levels.join(', ')}`,
    value,
  );
}

/** A version is left out rather than undefined: an event has no such fields. */
function checkHostApp(value: unknown, checked: string): AppName {
  const { name, version } = hostAppGroup(value, checked);
  return Object.freeze({ name, ...(version !== undefined && { version }) });
}

function checkRecord(value: unknown, name: string): string | ((lines: string) => void) {
  if (typeof value === 'function') return value as (lines: string) => void;
  if (typeof value === 'string' && value.trim() !== '' && !value.includes('\0')) return value;
  throw optionsInvalid(name, 'the path of a file, or a function', value);
}

function checkClock(value: unknown): Clock {
  if (value === undefined) return systemClock;
  const given = record(value, 'clock');
  const isClock = ['now', 'elapsed', 'after'].every((name) => typeof given[name] === 'function');
  if (isClock) return value as Clock;
  throw optionsInvalid('clock', 'an object with now, elapsed and after', value);
}
