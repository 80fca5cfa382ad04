import { createBoot } from 'slipway';

/**
 * Another replica of the shop, which migrates catalog. Its last file makes an index, for which nothing may write to the table.
 * It waits for that as long as it takes: the default is to give way after a second, and to try again.
 */
const [, , pool = ''] = process.argv;
const migrations = new URL('../plugins/catalog/drizzle', import.meta.url);
const boot = createBoot({
  pool,
  plugins: [{ id: 'catalog', migrations }],
  migrations: { ddlLockTimeout: 0 },
});
boot.on('plugin.migrate.executing', ({ file }) => {
  if (file === '0005_on_sale_index.sql') process.send?.('blocked');
});
// With the demo this process ends too, however the demo ends.
process.once('disconnect', () => process.exit());
await boot.migrate();
await boot.stop();
process.disconnect();
