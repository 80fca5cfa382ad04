import { cutPlugin } from '../../core/tenants.ts';
import type { SurveyedTenants } from '../migrate-all/emit-survey.ts';

/** The tenants of a plugin in a plan. */
export interface TenantsPlan {
  readonly total: number;
  readonly upToDate: number;
  /** The others, grouped by what is pending for them. */
  readonly behind: readonly {
    readonly tenants: readonly string[];
    /** The names of the files, in their order; empty when only the schema is to be renamed. */
    readonly pending: readonly string[];
  }[];
}

/** Groups the tenants by what is pending: most of them have the same. */
export function planTenants({ all, behind }: SurveyedTenants): TenantsPlan {
  const groups = new Map<string, { readonly tenants: string[]; readonly pending: string[] }>();
  for (const { id, pending } of behind) {
    const names = pending.map(({ name }) => name);
    const key = names.join('\n');
    const group = groups.get(key) ?? { tenants: [], pending: names };
    group.tenants.push(cutPlugin(id));
    groups.set(key, group);
  }
  return {
    total: all.length,
    upToDate: all.length - behind.length,
    behind: [...groups.values()],
  };
}
