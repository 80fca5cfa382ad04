import type { MigrationSettings } from '../../core/settings.ts';
import { BootError } from '../../core/errors.ts';
import { didYouMean } from '../../core/suggest.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import type { Querying } from '../connection/connection.ts';
import {
  describeObject,
  type PublicObject,
  type StrandedObjects,
} from '../survey/stranded-objects.ts';
import type { PluginSurvey } from '../survey/survey-plugin.ts';
import { surveyDatabase } from '../survey/survey.ts';
import { readLongTexts } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { repairRefused } from './repair-error.ts';
import type { RepairDecision, RepairLeft, UsedKind } from './repair-report.ts';
import { decideOnUsed, readUsedObjects } from './used-objects.ts';
import { listNames } from '../../core/printable.ts';

interface RelocateChoice {
  /** Every plugin, and the host: their objects are not moved. */
  readonly plugins: readonly PluginMigrations[];
  /** The names that the caller has chosen; when left out, everything that certainly belongs to the plugin. */
  readonly objects: readonly string[] | undefined;
  readonly settings: MigrationSettings;
}

/**
 * Decides which objects of a plugin move from `public` to its schema: the stranded objects that a new survey finds, and the
 * objects that only these and the plugin's schema use, such as the functions of its triggers. An object that another plugin
 * lacks too moves only when it is named. Objects of the host or of an extension, or in no snapshot, never move.
 *
 * @throws BootError `REPAIR_REFUSED` for a name that is not the plugin's to move
 */
export async function decideOnMoves(
  client: Querying,
  id: string,
  { plugins, objects, settings }: RelocateChoice,
): Promise<RepairDecision> {
  const survey = await surveyDatabase(client, plugins, { settings, willApply: false });
  const plugin = survey.plugins.find((each) => each.id === id);
  if (!plugin) throw new Error(`no migrations of ${id} among the plugins`);
  const { certain, disputed } = readable(plugin);
  const { moving, left } = objects
    ? await choose(client, plugin, [...certain, ...disputed], objects)
    : { moving: certain, left: disputed.map(leftToPeople) };
  const schemas = plugins.map((each) => each.schema);
  const own = [plugin.schema, ...plugin.furtherSchemas];
  const used = await readUsedObjects(client, own, moving, schemas);
  const settled = new Set([...certain, ...disputed].map(({ name }) => name));
  const owner = plugins.find((each) => each.id === id);
  // Any file may name what is used.
  if (used.length > 0) await readLongTexts(plugins.flatMap(({ files }) => files));
  const carried = owner ? decideOnUsed(used, owner, plugins, settled) : { along: [], left: [] };
  // A function is named with the types of its arguments, which must not have moved yet.
  const along = carried.along.toSorted((one, other) => rank(one.kind) - rank(other.kind));
  const change = `moved from public to ${plugin.schema}`;
  return {
    changes: [
      ...along.map(({ kind, identity: name }) => ({ kind, name, change })),
      ...moving.map(({ kind, name }) => ({ kind, name, change })),
    ],
    left: [...left, ...carried.left],
    statements: [
      ...along.map(({ kind, identity }) => moveSql(kind, identity, plugin.schema)),
      ...moving.map(({ kind, name }) => moveSql(kind, quoteIdentifier(name), plugin.schema)),
    ],
  };
}

function rank(kind: UsedKind): number {
  return ['function', 'procedure', 'aggregate', 'operator'].includes(kind) ? 0 : 1;
}

/** With a history that cannot be read, no object would be found stranded, so the repair is refused. */
function readable({ stranded, problems }: PluginSurvey): StrandedObjects {
  const unread = problems.find(({ code }) =>
    ['DATABASE_PRIVILEGE', 'MIGRATION_HISTORY_UNKNOWN'].includes(code),
  );
  if (!unread) return stranded ?? { certain: [], disputed: [] };
  const { code, message, plugin, hint } = unread;
  throw new BootError(code, message, { plugin, hint });
}

interface Chosen {
  readonly moving: readonly PublicObject[];
  readonly left: readonly RepairLeft[];
}

async function choose(
  client: Querying,
  { id, schema }: PluginSurvey,
  movable: readonly PublicObject[],
  names: readonly string[],
): Promise<Chosen> {
  const known = new Set(movable.map(({ name }) => name));
  const others = names.filter((name) => !known.has(name));
  const there = await findIn(client, schema, others);
  const unknown = others.find((wanted) => there.every(({ name }) => name !== wanted));
  if (unknown !== undefined) throw notToMove(id, unknown, movable);
  return {
    moving: movable.filter(({ name }) => names.includes(name)),
    left: there.map((part) => ({ ...part, because: `${schema} has it already` })),
  };
}

/** Finds which of these names a schema has. */
async function findIn(
  client: Querying,
  schema: string,
  names: readonly string[],
): Promise<readonly Omit<RepairLeft, 'because'>[]> {
  if (names.length === 0) return [];
  const { rows } = await client.query<Omit<RepairLeft, 'because'>>(
    `select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end as kind,
       c.relname::text as name from pg_class c where c.relnamespace = to_regnamespace($1) and c.relname::text = any($2::text[])
     union all
     select 'type', t.typname::text from pg_type t where t.typnamespace = to_regnamespace($1)
       and t.typtype = 'e' and t.typname::text = any($2::text[]) order by 2, 1`,
    [quoteIdentifier(schema), names],
  );
  return rows;
}

function notToMove(id: string, wanted: string, movable: readonly PublicObject[]): BootError {
  const meant = didYouMean(
    wanted,
    movable.map(({ name }) => name),
  );
  const advice = meant === undefined ? '' : ` Did you mean ${meant}?`;
  return repairRefused(
    id,
    `${wanted} is not one of its objects in public.${advice}`,
    movable.length === 0
      ? 'There is nothing to move.'
      : `It can move ${listNames(movable.map(describeObject))}.`,
  );
}

function leftToPeople({ kind, name, others }: StrandedObjects['disputed'][number]): RepairLeft {
  return { kind, name, because: `it may also belong to ${listNames(others)}: name it to move it` };
}

function moveSql(kind: PublicObject['kind'] | UsedKind, identity: string, schema: string): string {
  return `alter ${kind} "public".${identity} set schema ${quoteIdentifier(schema)}`;
}
