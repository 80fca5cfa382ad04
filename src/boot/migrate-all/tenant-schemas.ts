import { pluginInvalid, show } from '../../core/errors.ts';
import { isRecord } from '../../core/foreign-value.ts';
import {
  getPluginSchemaName,
  isTooLongForPostgres,
  ownSchemaName,
} from '../../core/schema-name.ts';
import { findUnknownKey } from '../../core/suggest.ts';
import { nameTenant } from '../../core/tenants.ts';
import type { PluginSchemas } from '../../postgres/sources/read-migrations.ts';

/** The schemas of one tenant: as those of a plugin, whose `id` is `shop/acme`. */
export interface TenantSchemas extends PluginSchemas {
  readonly name: string;
}

/** The most tenants of one plugin. A database with more schemas than this has other problems first. */
export const mostTenants = 100_000;

interface OfTenants {
  readonly id: string;
  readonly previousIds?: readonly string[] | undefined;
  readonly schemaPrefix: string;
  /** By schema, what has it: the host, the registry, and the tenants of the plugins before. Those of this plugin are added. */
  readonly taken: Map<string, string>;
}

/**
 * Checks what the function `tenants` of a plugin has returned, and names the schemas.
 *
 * @throws BootError `PLUGIN_INVALID` or `OPTIONS_INVALID` with what is wrong about the first wrong one
 */
export function nameTenantSchemas(returned: unknown, plugin: OfTenants): readonly TenantSchemas[] {
  const { id, taken } = plugin;
  if (!Array.isArray(returned)) throw pluginInvalid(`tenants of ${id}`, expected, returned);
  if (returned.length > mostTenants) {
    throw pluginInvalid(`tenants of ${id}`, `at most ${mostTenants} names`, returned);
  }
  const names = new Set<string>();
  // Array.from, because map skips the holes of a list.
  return Array.from(returned, (each: unknown, at) => {
    const place = `tenants of ${id}, number ${at + 1},`;
    const { name, schema } = readTenantName(each, place, plugin);
    if (names.has(name)) throw pluginInvalid(place, 'a name that no other tenant has', name);
    const owner = taken.get(schema);
    if (owner !== undefined) {
      throw pluginInvalid(place, `a tenant whose schema ${owner} does not have`, schema);
    }
    const previousSchemas = listPreviousSchemas(name, schema, plugin);
    for (const previous of previousSchemas) {
      const other = taken.get(previous);
      if (other === undefined) continue;
      const expectation = `a tenant whose schema under an earlier id ${other} does not have`;
      throw pluginInvalid(place, expectation, previous);
    }
    names.add(name);
    for (const own of [schema, ...previousSchemas]) taken.set(own, nameTenant(id, name));
    const schemas = { schema, historySchema: schema, previousSchemas, furtherSchemas: [] };
    return { id: nameTenant(id, name), name, ...schemas };
  });
}

const expected = 'an array of names, or of { name, schema }';

function readTenantName(
  given: unknown,
  place: string,
  { id, schemaPrefix }: OfTenants,
): { readonly name: string; readonly schema: string } {
  const isNamed = isRecord(given) && findUnknownKey(given, ['name', 'schema']) === undefined;
  const name: unknown = isNamed ? given['name'] : given;
  if (typeof name !== 'string' || !isName(name)) {
    const what = typeof given === 'string' ? given : name;
    throw pluginInvalid(place, 'a name without spaces around it, or { name, schema }', what);
  }
  const schema: unknown = isNamed ? given['schema'] : nameSchema(id, name, schemaPrefix);
  const what = `the schema of ${nameTenant(id, name)}`;
  const checked = ownSchemaName(schema, what);
  if (checked === 'public' || checked === 'information_schema') {
    throw pluginInvalid(what, `another one than ${show(checked)}`, checked);
  }
  return { name, schema: checked };
}

/**
 * The name is used in messages, and PostgreSQL cannot store NUL. A line break would split a line. Halves of characters would all
 * be stored as the same one.
 */
function isName(name: string): boolean {
  return name !== '' && name === name.trim() && !/\p{Cc}|\p{Cs}/u.test(name);
}

/** An id has no underscore, so that no other plugin and tenant have the same schema. */
function nameSchema(id: string, tenant: string, prefix: string): string {
  return `${getPluginSchemaName(id, prefix)}_${tenant}`;
}

/**
 * A schema that the host has named keeps its name. A name that is too long was never that of a tenant; PostgreSQL cuts it, to one
 * that may be another tenant's.
 */
function listPreviousSchemas(
  name: string,
  schema: string,
  { id, previousIds = [], schemaPrefix }: OfTenants,
): readonly string[] {
  if (previousIds.length === 0 || schema !== nameSchema(id, name, schemaPrefix)) return [];
  const previous = previousIds.map((each) => nameSchema(each, name, schemaPrefix));
  return [...new Set(previous)].filter((each) => !isTooLongForPostgres(each));
}
