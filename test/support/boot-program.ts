import { createBoot, serviceRef, sqlFiles, type Plugin } from 'slipway';
import type { BootOrder, OrderedPlugin, Report } from './boot-process.ts';

/** Runs as a process of its own: takes orders to boot from its parent, and sends it every event. */

const api = (id: string) => serviceRef<string>(`${id}.api`);

const tell = (report: Report): void => {
  process.send?.(report);
};

const toPlugin = ({
  id,
  migrations,
  repeatable,
  tenantNames,
  schemas = [],
  needs = [],
}: OrderedPlugin): Plugin => ({
  id,
  schemas,
  ...(migrations === undefined ? {} : { migrations }),
  ...(tenantNames && { tenants: () => tenantNames }),
  ...(migrations !== undefined &&
    repeatable !== undefined && {
      migrations: [migrations, sqlFiles(repeatable, { repeatable: true })],
    }),
  deps: Object.fromEntries(needs.map((needed, index) => [`needed${index}`, api(needed)])),
  provides: { api: api(id) },
  init: () => ({ api: id }),
});

async function carryOut({ url, plugins }: BootOrder): Promise<void> {
  const boot = createBoot({ pool: url, plugins: plugins.map(toPlugin) });
  boot.onAny((event) => tell({ kind: 'event', event }));
  // The report also has the failure.
  await boot.start().catch(() => undefined);
  tell({ kind: 'ended', report: await boot.stop('the order is carried out') });
}

process.on('message', (order: BootOrder) => void carryOut(order));
// Without the parent, a boot that hangs would never end.
process.on('disconnect', () => process.exit());
tell({ kind: 'up' });
