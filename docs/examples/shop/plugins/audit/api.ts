import { serviceRef } from 'slipway';

export interface AuditEntry {
  /** Such as `orders.placed`; the part before the dot is the plugin. */
  readonly action: string;
  /** What it happened to, such as `order 1001`. */
  readonly subject: string;
  /** The user who did it; left out when the shop did it by itself. */
  readonly actorId?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface AuditLog {
  record(entry: AuditEntry): Promise<void>;
}

export const auditLog = serviceRef<AuditLog>('audit.log');
