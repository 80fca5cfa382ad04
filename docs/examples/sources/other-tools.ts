import { createRepair, definePlugin, sqlFiles, type BootOptions } from 'slipway';

export const visits = definePlugin({
  id: 'visits',
  migrations: sqlFiles(new URL('./dbmate', import.meta.url), { format: 'dbmate' }),
});

/** Once for each database that dbmate has migrated: what dbmate has applied counts as applied. */
export async function adopt(pool: BootOptions['pool']): Promise<readonly string[]> {
  const repair = createRepair({ pool, plugins: [visits] });
  const { changes } = await repair.baseline('visits', { from: 'dbmate' });
  return changes.map(({ name }) => name);
}
