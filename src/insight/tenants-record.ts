import { toPlainError, type ErrorRecord } from '../core/error-record.ts';
import type { UnstampedEvent } from '../core/events.ts';
import type { TenantOutcome, TenantReport, TenantsReport } from '../core/report.ts';
import { addToFiles, type FileRun } from './file-runs.ts';
import type { AnyEvent } from './recorded-event.ts';

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
  /** By name, the files of those that have begun and have not settled. */
  readonly open: Map<string, FileRun[]>;
  /** Of the files of the others, those that kept other sessions waiting. */
  readonly blocking: FileRun[];
}

export function createTenantsRecord(total: number): TenantsRecord {
  return { total, behind: new Map(), open: new Map(), blocking: [] };
}

/** Adds what an event says of a tenant. */
export function addToTenant(
  tenants: TenantsRecord,
  tenant: string,
  event: AnyEvent | UnstampedEvent,
): void {
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

function settle(known: TenantRecord, { outcome, durationMs, error }: Settled): void {
  known.outcome = outcome;
  known.durationMs = durationMs;
  if (error !== undefined) known.error = toPlainError(error);
}

type Settled = Extract<AnyEvent | UnstampedEvent, { readonly type: 'plugin.migrate.settled' }>;

/** Adds what an event says of the files of a tenant. They are kept until it has settled, so that the memory has a limit. */
export function addTenantFiles(
  { open, blocking }: TenantsRecord,
  tenant: string,
  event: AnyEvent,
): void {
  const files = open.get(tenant) ?? [];
  addToFiles(files, event);
  if (event.type === 'plugin.migrate.settled') {
    open.delete(tenant);
    blocking.push(...files.filter(({ locks }) => locks.length > 0));
  } else if (files.length > 0) open.set(tenant, files);
}

/** Finds the tenant whose file has run longest, of those that run now. */
export function findSlowest({ open }: TenantsRecord): SlowTenant | undefined {
  let slowest: SlowTenant | undefined;
  for (const [tenant, files] of open) {
    const run = files.at(-1);
    if (!run || run.endMs !== undefined) continue;
    if (!slowest || run.startMs < slowest.run.startMs) slowest = { tenant, run };
  }
  return slowest;
}

interface SlowTenant {
  readonly tenant: string;
  readonly run: FileRun;
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
