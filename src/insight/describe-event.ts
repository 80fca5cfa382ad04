import { describeBlocker, describeHolder } from '../core/describe-session.ts';
import { formatDuration } from '../core/duration.ts';
import type { BootEventName } from '../core/events.ts';
import { listNames, printable } from '../core/printable.ts';
import type { Outcome, Phase, Step } from '../core/steps.ts';
import { getTenant } from '../core/tenants.ts';
import type { AnyEvent, EventOf } from './recorded-event.ts';
import { describeLook } from './statement-words.ts';
import { firstLine } from './step-words.ts';

type Descriptions = { readonly [Name in BootEventName]: (event: EventOf<Name>) => string };

const describeStart = ({ slot }: { readonly slot: number }): string => `begins in slot ${slot}`;

/** What each event has to say besides its name and its plugin. */
const descriptions = {
  'boot.started': ({ pid, host, until }) =>
    `${until === 'ready' ? 'the boot begins' : 'the boot begins, and ends with the migrations'}: pid ${pid} on ${host}`,
  'boot.waiting': ({ reason, attempt, nextInMs, error }) =>
    `${withError(reason, error)}; attempt ${attempt}, the next one in ${formatDuration(nextInMs)}`,
  'boot.warning': ({ message }) => message,
  'boot.progress': ({ headline }) => headline,
  'boot.finished': ({ outcome, durationMs, error }) =>
    withError(`the launch ended after ${formatDuration(durationMs)}: ${outcome}`, error),
  'boot.stopping': ({ reason }) => `the boot stops: ${reason}`,
  'boot.stopped': ({ durationMs, errors }) =>
    withError(`everything has stopped after ${formatDuration(durationMs)}`, errors[0]),
  'phase.started': ({ phase }) => `${phaseNames[phase]} begins`,
  'phase.finished': ({ phase, outcome, durationMs, error }) =>
    withError(`${phaseNames[phase]} ended after ${formatDuration(durationMs)}: ${outcome}`, error),
  'plugin.discovered': ({ version = 'no version', required, enabled }) =>
    [version, required ? 'required' : 'optional', ...(enabled ? [] : ['disabled'])].join(', '),
  'graph.sorted': ({ order, edges, warnings }) =>
    `${order.length} plugins, ${edges.length} edges, ${warnings.length} warnings`,
  'survey.finished': ({ server, plugins, durationMs }) =>
    `PostgreSQL ${server}, ${plugins} plugins with migrations, ${formatDuration(durationMs)}`,
  'plugin.migrate.planned': ({ schema, applied, pending, renameFrom, missingSchemas, tenants }) =>
    [
      schema !== undefined && `schema ${schema}`,
      tenants && `${tenants.pending} of ${tenants.total} tenants to migrate`,
      renameFrom !== undefined && `renamed from ${renameFrom}`,
      missingSchemas !== undefined && `missing: ${listNames(missingSchemas)}`,
      `${applied.length} applied`,
      pending.length === 0 ? 'nothing pending' : `pending: ${listNames(pending)}`,
    ]
      .filter(Boolean)
      .join(', '),
  'plugin.migrate.warning': ({ message }) => message,
  'plugin.migrate.connecting': describeStart,
  'plugin.migrate.waiting': ({ waitedMs, holder }) =>
    `has waited ${formatDuration(waitedMs)} for its lock, held by ${describeHolder(holder)}`,
  'plugin.migrate.renamed': ({ from, to }) => `schema ${from} is now ${to}`,
  'plugin.migrate.started': ({ backendPid, waitedMs, connectMs }) =>
    `has its lock, in the session ${backendPid}; waited ${formatDuration(waitedMs)} for it, ${formatDuration(connectMs)} for a client`,
  'plugin.migrate.applying': ({ file, index, of, transaction, goesOnAt, statements = 0 }) =>
    [
      `${file} (file ${index} of ${of})`,
      ...(transaction ? [] : ['outside of a transaction']),
      ...(goesOnAt === undefined ? [] : [`goes on at command ${goesOnAt} of ${statements}`]),
    ].join(', '),
  'plugin.migrate.executing': ({ file, command, ...place }) =>
    `${file}: ${placeStatement(place)}, ${command || 'SQL'}`,
  'plugin.migrate.executed': ({ file, durationMs, ...place }) =>
    `${file}: ${placeStatement(place)}, ${formatDuration(durationMs)}`,
  'plugin.migrate.progress': ({ file, command, ...look }) =>
    `${file}: ${describeLook(command, look) || 'nothing is seen'}`,
  'plugin.migrate.retrying': ({ file, attempt, nextInMs, error, blockers = [] }) =>
    [
      withError(
        `${file}: attempt ${attempt} failed, the next one in ${formatDuration(nextInMs)}`,
        error,
      ),
      ...blockers.map((each) => `in the way: ${describeBlocker(each)}`),
    ].join('; '),
  'plugin.migrate.applied': ({ file, durationMs, replaced }) =>
    `${file}, ${describeReplaced(replaced)}${formatDuration(durationMs)}`,
  'plugin.migrate.settled': ({ outcome, durationMs, error }) =>
    withError(`${outcomeWords[outcome]} after ${formatDuration(durationMs)}`, error),
  'plugin.migrate.finished': describeEnd,
  'migrations.flushing': ({ plugins }) =>
    `what ${countPlugins(plugins)} committed goes to the disk`,
  'migrations.durable': ({ plugins, durationMs }) =>
    `what ${countPlugins(plugins)} committed is on the disk, ${formatDuration(durationMs)}`,
  'history.read': ({ boots }) => `usual times, from ${boots} boots`,
  'plugin.init.started': describeStart,
  'plugin.init.retrying': ({ attempt, nextInMs, error }) =>
    withError(`attempt ${attempt} failed, the next one in ${formatDuration(nextInMs)}`, error),
  'plugin.init.finished': describeEnd,
  'plugin.ready.started': describeStart,
  'plugin.ready.finished': describeEnd,
  'plugin.stop.started': describeStart,
  'plugin.stop.finished': describeEnd,
  'launch.started': ({ launch, plugins }) => `launch ${launch} adds ${listNames(plugins)}`,
  'launch.finished': ({ launch, outcome, durationMs, error }) =>
    withError(`launch ${launch} ended after ${formatDuration(durationMs)}: ${outcome}`, error),
  'removal.started': ({ plugins }) => `stops ${listNames(plugins)}`,
  'removal.finished': ({ outcome, durationMs, error, because }) =>
    withError(
      because === undefined
        ? `the removal ended after ${formatDuration(durationMs)}: ${outcome}`
        : `the removal is ${outcome}: ${because}`,
      error,
    ),
} as const satisfies Descriptions;

/**
 * Describes an event in one line, without its name and its plugin.
 *
 * @example describeEvent(applied) // '0001_items.sql, 52ms'
 */
export function describeEvent(event: AnyEvent): string {
  // A recording of a later version may have other events.
  if (!Object.hasOwn(descriptions, event.type)) return '';
  const describe: (event: never) => string = descriptions[event.type];
  const text = describe(event as never).split('\n', 1)[0] ?? '';
  const tenant = getTenant(event);
  return printable(tenant === undefined || text.includes(tenant) ? text : `${tenant}: ${text}`);
}

const phaseNames: Readonly<Record<Phase, string>> = {
  discover: 'the search for plugins',
  sort: 'the sorting of plugins',
  migrateAll: 'the migration of all plugins',
  initAll: 'the start of all plugins',
  stopAll: 'the stop of all plugins',
};

const outcomeWords: Readonly<Record<Outcome, string>> = {
  done: 'done',
  upToDate: 'up to date',
  failed: 'failed',
  timeout: 'timed out',
  dependency: 'a dependency failed',
  skipped: 'skipped',
  canceled: 'canceled',
  notReached: 'not reached',
};

function describeEnd({ outcome, durationMs, error, because }: EventOf<`plugin.${Step}.finished`>) {
  const time = durationMs > 0 ? ` after ${formatDuration(durationMs)}` : '';
  const reason = because === undefined ? '' : `: ${because}`;
  return withError(`${outcomeWords[outcome]}${time}${reason}`, error);
}

function countPlugins(count: number): string {
  return `${count} ${count === 1 ? 'plugin' : 'plugins'}`;
}

function withError(text: string, error: { readonly message: string } | undefined): string {
  return error && !text.includes(error.message) ? `${text}: ${firstLine(error.message)}` : text;
}

function placeStatement({
  statement,
  statements,
}: {
  readonly statement: number;
  readonly statements?: number;
}): string {
  return `statement ${statement}${statements === undefined ? '' : ` of ${statements}`}`;
}

function describeReplaced(rows: number | undefined): string {
  return rows === undefined ? '' : `not run: replaced ${rows} ${rows === 1 ? 'row' : 'rows'}, `;
}
