import { isSql, type Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { namesInSql } from '../sql/sql-names.ts';
import { listNames } from '../../core/printable.ts';
import type { RepairLeft } from './repair-report.ts';
import type { UsedObject } from './used-objects.ts';

/** Why an object stays in `public`; undefined when it moves along. */
type Reason = string | undefined;

/**
 * Decides which of the objects that a plugin uses in `public` move along into its schema: those that the plugin's own files
 * name and that nothing else uses. The others are reported, with what uses them.
 *
 * @param settled Names that are already decided, such as an enum that two plugins may own.
 */
export function decideOnUsed(
  used: readonly UsedObject[],
  plugin: PluginMigrations,
  plugins: readonly PluginMigrations[],
  settled: ReadonlySet<string>,
): { readonly along: readonly UsedObject[]; readonly left: readonly RepairLeft[] } {
  const wanted = reach(used.filter(({ name }) => !settled.has(name)));
  const reasons = new Map<UsedObject, Reason>(
    wanted.map((object) => [object, whyNotIts(object, plugin, plugins)]),
  );
  const isStaying = (object: UsedObject): boolean => reasons.get(object) !== undefined;
  // An object that stays keeps the objects that it uses, and so on.
  for (let isStable = false; !isStable;) {
    isStable = true;
    const going = new Set(wanted.filter((each) => !isStaying(each)).map(({ key }) => key));
    for (const object of wanted.filter((each) => !isStaying(each))) {
      const others = object.uses.filter(({ isOwn, by }) => !isOwn && !going.has(by));
      if (others.length === 0) continue;
      reasons.set(object, `${listUses(others)} ${others.length === 1 ? 'uses' : 'use'} it too`);
      isStable = false;
    }
  }
  return {
    along: wanted.filter((object) => !isStaying(object)),
    left: wanted.flatMap((object) => {
      const because = reasons.get(object);
      const { kind, identity: name, uses } = object;
      const own = uses.filter(({ isOwn }) => isOwn);
      const by = own.length === 0 ? '' : `used by ${listUses(own)}; `;
      return because === undefined ? [] : [{ kind, name, because: `${by}${because}` }];
    }),
  };
}

/** Collects what the plugin's own objects use, directly and through others. */
function reach(used: readonly UsedObject[]): readonly UsedObject[] {
  const found = new Set(used.filter(({ uses }) => uses.some(({ isOwn }) => isOwn)));
  for (let size = 0; size < found.size;) {
    size = found.size;
    const keys = new Set([...found].map(({ key }) => key));
    for (const each of used) if (each.uses.some(({ by }) => keys.has(by))) found.add(each);
  }
  return used.filter((each) => found.has(each));
}

function whyNotIts(
  object: UsedObject,
  { id, schema, files }: PluginMigrations,
  plugins: readonly PluginMigrations[],
): Reason {
  const { alsoIn, isOwned } = object;
  if (alsoIn.includes(schema)) return `${schema} has another one already`;
  const others = plugins.filter(
    (each) => each.id !== id && !alsoIn.includes(each.schema) && mayName(object, each.files),
  );
  if (others.length > 0) return `it may also belong to ${others.map((each) => each.id).join(', ')}`;
  // It is unknown what a function of the plugin has made.
  const isNamed = mayName(object, files) || !files.every(isSql);
  if (!isNamed) return `no file of ${id} names it`;
  return isOwned ? undefined : 'the role does not own it';
}

function mayName({ kind, name }: UsedObject, files: readonly Migration[]): boolean {
  return files
    .filter(isSql)
    .some(({ text, sql }) =>
      kind === 'operator'
        ? /operator/i.test(text) && text.includes(name)
        : text.toLowerCase().includes(name.toLowerCase()) && namesInSql(sql).includes(name),
    );
}

function listUses(uses: UsedObject['uses']): string {
  return listNames([...new Set(uses.map(({ what }) => what))]);
}
