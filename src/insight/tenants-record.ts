import { toPlainError, type ErrorRecord } from '../core/error-record.ts';
import type { BootEvent, UnstampedEvent } from '../core/events.ts';
import type { TenantOutcome, TenantReport, TenantsReport } from '../core/report.ts';
import type { RecordedEvent } from './recorded-event.ts';

type AnyEvent = BootEvent | RecordedEvent | UnstampedEvent;

/** The facts known of one tenant that was to be migrated. */
export interface TenantRecord {
  readonly tenant: string;
  readonly applied: string[];
  outcome?: TenantOutcome;
  durationMs: number;
  error?: ErrorRecord;
}

/** The facts known of the tenants of a plugin. Those that were up to date are only counted. */
export interface TenantsRecord {
  total: number;
  /** Those that were to be migrated, by name. */
  readonly behind: Map<string, TenantRecord>;
}

export function createTenantsRecord(total: number): TenantsRecord {
  return { total, behind: new Map() };
}

/** Adds what an event says of a tenant. */
export function addToTenant(tenants: TenantsRecord, tenant: string, event: AnyEvent): void {
  const known = tenants.behind.get(tenant) ?? { tenant, applied: [], durationMs: 0 };
  switch (event.type) {
    case 'plugin.migrate.planned':
      // After a failure the same one may be planned again, while the boot is up.
      tenants.behind.set(tenant, known);
      break;
    case 'plugin.migrate.applied':
      known.applied.push(event.file);
      break;
    case 'plugin.migrate.settled':
      settle(known, event);
      break;
    default:
  }
}

function settle(
  known: TenantRecord,
  { outcome, durationMs, error }: Extract<AnyEvent, { readonly type: 'plugin.migrate.settled' }>,
): void {
  known.outcome = outcome;
  known.durationMs = durationMs;
  if (error !== undefined) known.error = toPlainError(error);
}

/** Makes the report of the tenants: its size is that of the work, and not that of the list. */
export function reportTenants({ total, behind }: TenantsRecord): TenantsReport {
  return {
    total,
    upToDate: total - behind.size,
    migrated: [...behind.values()].map(reportTenant),
  };
}

function reportTenant({
  tenant,
  outcome = 'notReached',
  durationMs,
  applied,
  error,
}: TenantRecord): TenantReport {
  return { tenant, outcome, durationMs, applied: [...applied], ...(error && { error }) };
}

/** Counts those that have settled: `12 of 40 tenants`. */
export function countSettled({ behind }: TenantsRecord): string {
  const settled = [...behind.values()].filter(({ outcome }) => outcome !== undefined).length;
  return `${settled} of ${behind.size} ${behind.size === 1 ? 'tenant' : 'tenants'}`;
}
