import type { ErrorRecord } from '../core/error-record.ts';
import type { Step } from '../core/steps.ts';
import type { BootRecord } from './boot-record.ts';
import type { Bar } from './exports/bars.ts';
import type { PluginRecord } from './plugin-record.ts';
import { listSegments } from './segments.ts';
import type { StepTimes } from './step-times.ts';
import { sumWaits } from './waits.ts';

/** The attributes of a span or of an event in it. One that is unknown is undefined. */
export type SpanAttributes = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

/** Describes a step, with the seconds that it has waited for each reason. */
export function describeStep(times: StepTimes, plugin: PluginRecord, step: Step): SpanAttributes {
  const waits = Object.entries(sumWaits(listSegments(times, plugin, step)));
  return {
    'slipway.step': step,
    'slipway.plugin.id': plugin.id,
    ...(step === 'migrate' && describeDatabase(times.record, plugin)),
    ...Object.fromEntries(waits.map(([kind, ms]) => [`slipway.wait.${kind}`, ms / 1_000])),
  };
}

/** Describes an attempt at a migration file. */
export function describeFile(
  record: BootRecord,
  plugin: PluginRecord,
  { file, transaction }: { readonly file: string; readonly transaction?: boolean | undefined },
): SpanAttributes {
  return {
    'slipway.plugin.id': plugin.id,
    'slipway.migration.file': file,
    'slipway.migration.transaction': transaction,
    ...describeDatabase(record, plugin),
  };
}

/** Describes a wait inside of a step. */
export function describeWait({ kind, startMs, endMs, says, facts }: Bar): SpanAttributes {
  return {
    'slipway.wait.reason': kind,
    'slipway.wait.duration': (endMs - startMs) / 1_000,
    'slipway.wait.holder': facts['holder'],
    'slipway.wait.description': says,
  };
}

/** Describes an error by its code, and by the SQLSTATE of PostgreSQL: neither has a text of SQL or a parameter. */
export function describeError({ name, code, database }: ErrorRecord): SpanAttributes {
  return { 'error.type': code ?? name, 'db.response.status_code': database?.sqlState };
}

/** Returns the error of a step. One that did not run because of another one has no error of its own. */
export function findStepError({
  outcome,
  error,
  because,
}: {
  readonly outcome?: string | undefined;
  readonly error?: ErrorRecord | undefined;
  readonly because?: string | undefined;
}): ErrorRecord | undefined {
  if (error || outcome !== 'dependency') return error;
  return { name: 'dependency', message: because ?? 'another plugin failed' };
}

/** The names are OpenTelemetry's: https://opentelemetry.io/docs/specs/semconv/db/postgresql/ */
function describeDatabase(
  { place: { database, address, port } }: BootRecord,
  { schema }: PluginRecord,
): SpanAttributes {
  const parts = [database, schema].filter((part) => part !== undefined);
  return {
    'db.system.name': 'postgresql',
    'db.namespace': parts.length > 0 ? parts.join('|') : undefined,
    'server.address': address,
    'server.port': port,
  };
}
