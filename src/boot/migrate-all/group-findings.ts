import type { Problem } from '../../core/error-codes.ts';
import { listNames } from '../../core/printable.ts';
import { readTenant } from '../../core/tenants.ts';

/**
 * Turns findings about tenants into findings about their plugin. What many tenants have in common, such as an edited file, is one
 * finding: with the message of the first of them, and the names of the others.
 *
 * @param surveyed The schemas of the tenants: two messages that differ only in them say the same.
 */
export function groupFindings(
  found: readonly Problem[],
  surveyed: readonly { readonly id: string; readonly schema: string }[],
): readonly Problem[] {
  const schemas = new Map(surveyed.map(({ id, schema }) => [id, schema]));
  const groups = new Map<string, Group>();
  const grouped = found.flatMap((each): Group | readonly [] => {
    const { plugin, tenant } = readTenant(each.plugin ?? '');
    if (tenant === undefined) return { first: each, tenants: [] };
    const { code, file = '', line = '' } = each;
    const schema = schemas.get(each.plugin ?? '') ?? '';
    const text = withoutNames(each.message, [schema, `/${tenant}`, `_${tenant}`]);
    const key = [plugin, code, file, line, text].join('\n');
    const known = groups.get(key);
    if (known) {
      known.tenants.push(tenant);
      return [];
    }
    const group = { first: { ...each, plugin }, tenants: [tenant] };
    groups.set(key, group);
    return group;
  });
  return grouped.map(join);
}

function withoutNames(message: string, names: readonly string[]): string {
  return names.reduce((text, name) => (name === '' ? text : text.replaceAll(name, '…')), message);
}

/** What tenants have in common; a finding about a plugin has no tenants. */
interface Group {
  readonly first: Problem;
  readonly tenants: string[];
}

function join({ first, tenants }: Group): Problem {
  const [tenant, ...others] = new Set(tenants);
  if (tenant === undefined) return first;
  if (others.length === 0) return { ...first, tenant };
  const more = others.length === 1 ? '1 further tenant' : `${others.length} further tenants`;
  return { ...first, message: `${first.message} (the same with ${more}: ${listNames(others)})` };
}
