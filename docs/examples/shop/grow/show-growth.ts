import type { Pool } from 'pg';
import { BootError, gracefulShutdown } from 'slipway';
import type { Boot } from 'slipway';
import { createShop } from '../shop.ts';
import type { Stage } from '../stage.ts';
import { startCrowd } from './crowd.ts';
import type { Crowd, Stretch } from './crowd.ts';
import { stockUp } from './customer.ts';
import { wishlist } from './wishlist/index.ts';

const customerCount = 20;
/** Of each product, so that nothing is sold out meanwhile. */
const stock = 10_000;

/** The wishes of the first time, before and after the plugin came back. */
interface KeptWishes {
  readonly left: number;
  readonly found: number;
}

/**
 * Opens the shop, lets twenty customers in, and meanwhile adds the wishlist, removes it, and adds it again. Prints what the
 * customers saw. Sets exit code 1 when one of them saw an error, or when a wish was lost.
 *
 * @throws BootError when the shop cannot boot, or when the wishlist cannot be added.
 */
export async function showGrowth({ pool, logger, port, write, show }: Stage): Promise<void> {
  const { boot, server } = createShop({ pool, logger, port });
  show(boot);
  let crowd: Crowd | undefined;
  gracefulShutdown(boot, {
    async drain(signal) {
      // Customers who are in the shop are served to the end.
      await crowd?.stop();
      await server.close(signal);
    },
  });
  let kept: KeptWishes | undefined;
  try {
    const url = await server.listen();
    await boot.start();
    crowd = await startCrowd(url, await stockUp(url, stock), customerCount);
    write(`\n  The shop is open, and ${customerCount} customers are in it.\n\n`);
    kept = await unlessStopped(boot, growAndShrink(boot, crowd, pool));
  } finally {
    await crowd?.stop();
    await boot.stop('the growth is shown');
    if (crowd) write(renderResult(crowd.stretches, kept));
  }
  const isGood = kept?.found === kept?.left && crowd.stretches.every(isFlawless);
  if (!isGood) process.exitCode = 1;
}

/** Adds the twelfth plugin, removes it, and adds it a second time, while the crowd shops. */
async function growAndShrink(boot: Boot, crowd: Crowd, pool: Pool): Promise<KeptWishes> {
  /** Every stretch lasts until as many purchases have ended in it as there are customers. */
  const during = async <T>(name: string, change?: () => Promise<T>): Promise<T | undefined> => {
    crowd.enter(name);
    const [result] = await Promise.all([change?.(), crowd.purchases(customerCount)]);
    return result;
  };
  await during('before');
  await during('the wishlist is added', () => boot.add(wishlist));
  await during('with the wishlist');
  await during('the wishlist is removed', () => boot.remove('wishlist'));
  const { wishes: left, at } = await countWishes(pool);
  await during('without it');
  await during('the wishlist is added again', () => boot.add(wishlist));
  const { wishes: found } = await countWishes(pool, at);
  await during('with it again');
  return { left, found };
}

/** Returns nothing when a signal came in between: then the shop closes, which is no failure. */
async function unlessStopped<T>(boot: Boot, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof BootError && boot.state().isStopping) return undefined;
    throw error;
  }
}

/** Counts the wishes, and says when. With a time, it counts those that are older. */
async function countWishes(
  pool: Pool,
  before: string | null = null,
): Promise<{ readonly wishes: number; readonly at: string }> {
  const { rows } = await pool.query<{ wishes: number; at: string }>(
    `SELECT count(*)::int AS wishes, now()::text AS at FROM plugin_wishlist.wishes
     WHERE wished_at <= coalesce($1::timestamptz, now())`,
    [before],
  );
  return rows[0] ?? { wishes: 0, at: '' };
}

function isFlawless({ failures }: Stretch): boolean {
  return failures.length === 0;
}

function renderResult(stretches: readonly Stretch[], kept: KeptWishes | undefined): string {
  const failures = stretches.flatMap((stretch) => stretch.failures);
  const purchases = stretches.reduce((total, stretch) => total + stretch.purchases, 0);
  const slowest = Math.max(0, ...stretches.map(({ slowestMs }) => slowestMs));
  return `
  What the customers saw:

  ${''.padEnd(28)} ${['purchases', 'slowest', 'wishes', 'no wishlist', 'errors'].join('  ')}
${stretches.map(renderStretch).join('')}
  ${customerCount} customers made ${purchases} purchases, the slowest in ${Math.round(slowest)} ms: ${failures.length} errors
${failures
  .slice(0, 5)
  .map((message) => `    ${message}\n`)
  .join('')}${
    kept === undefined
      ? '  The shop was closed before the end.\n'
      : `  The wishlist came back with ${kept.found} of ${kept.left} wishes.\n`
  }`;
}

function renderStretch({ name, purchases, slowestMs, wishes, failures }: Stretch): string {
  const { kept, ...refused } = wishes;
  const none = Object.values(refused).reduce((total, count) => total + count, 0);
  const cells = [
    String(purchases).padStart(9),
    `${Math.round(slowestMs)} ms`.padStart(9),
    String(kept).padStart(8),
    String(none).padStart(13),
    String(failures.length).padStart(8),
  ];
  return `  ${name.padEnd(28)} ${cells.join('')}\n`;
}
