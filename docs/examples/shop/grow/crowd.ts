import { signUp } from './customer.ts';
import type { Customer, WishAnswer } from './customer.ts';

/** What all customers did while one thing went on. */
export interface Stretch {
  /** What went on. */
  readonly name: string;
  purchases: number;
  slowestMs: number;
  readonly wishes: Record<WishAnswer, number>;
  /** The messages of what failed. */
  readonly failures: string[];
}

/** Customers who shop without a pause. */
export interface Crowd {
  readonly stretches: readonly Stretch[];
  /** Counts from now on for a stretch of that name. */
  enter(name: string): void;
  /** Resolves when so many more purchases have ended, well or not, or when the crowd goes home. */
  purchases(count: number): Promise<void>;
  /** Lets each customer finish the purchase that goes on. Any number of calls. */
  stop(): Promise<void>;
}

/** Lets `count` customers buy and wish, again and again, until they are stopped. */
export async function startCrowd(
  url: string,
  products: readonly string[],
  count: number,
): Promise<Crowd> {
  const customers: Customer[] = [];
  for (let each = 0; each < count; each += 1) customers.push(await signUp(url));
  const stopping = new AbortController();
  const stretches: Stretch[] = [];
  const waiting = new Set<() => void>();
  const now = (): Stretch => stretches.at(-1) ?? enter('at first');

  const enter = (name: string): Stretch => {
    const wishes = { kept: 0, STARTING: 0, PLUGIN_NOT_UP: 0, NOT_FOUND: 0 };
    const stretch = { name, purchases: 0, slowestMs: 0, wishes, failures: [] };
    stretches.push(stretch);
    return stretch;
  };
  const visit = async (customer: Customer, productId: string): Promise<void> => {
    const begun = performance.now();
    try {
      await customer.buy(productId);
      const stretch = now();
      stretch.purchases += 1;
      stretch.slowestMs = Math.max(stretch.slowestMs, performance.now() - begun);
      const answer = await customer.wish(productId);
      now().wishes[answer] += 1;
    } catch (error) {
      now().failures.push(error instanceof Error ? error.message : String(error));
    }
    for (const look of waiting) look();
  };
  const shop = async (customer: Customer, first: number): Promise<void> => {
    for (let turn = first; !stopping.signal.aborted; turn += 1) {
      await visit(customer, products[turn % products.length] ?? '');
    }
  };
  const loops = customers.map(shop);
  return {
    stretches,
    enter: (name) => void enter(name),
    purchases: (wanted) =>
      new Promise((resolve) => {
        let left = wanted;
        const look = (): void => {
          left -= 1;
          if (left > 0 && !stopping.signal.aborted) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        if (stopping.signal.aborted) look();
      }),
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}
