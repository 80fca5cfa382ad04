import { randomUUID } from 'node:crypto';

/** What came of a wish: it was kept, or the code of the answer that says why there is no wishlist. */
export type WishAnswer = 'kept' | 'STARTING' | 'PLUGIN_NOT_UP' | 'NOT_FOUND';

/** A customer with an account. Each method throws for any answer that is an error. */
export interface Customer {
  /** Looks at the products, orders one piece of one, and looks at the order and at the invoices so far. */
  buy(productId: string): Promise<void>;
  /** Puts a product on the wishlist. That there is none at the moment is no error, if the shop says so. */
  wish(productId: string): Promise<WishAnswer>;
}

/** The fields that customers read of the shop's answers. */
interface Answer {
  readonly id: string;
  readonly token: string;
  readonly code?: string;
}

interface Reply<T> {
  readonly status: number;
  readonly body: T;
}

const patienceMs = 60_000;

/** Opens an account in the shop at `url`. */
export async function signUp(url: string): Promise<Customer> {
  const account = { email: `${randomUUID()}@shop.example`, name: 'Customer', password: 'ahoy' };
  await post(url, '/api/auth/users', account);
  const ask = await signIn(url, account);
  return {
    async buy(productId) {
      await ask.get('/api/catalog/products');
      const order = await ask.post('/api/orders/orders', { lines: [{ productId, quantity: 1 }] });
      await ask.get(`/api/orders/orders/${order.id}`);
      await ask.get('/api/billing/invoices');
    },
    async wish(productId) {
      const { status, body } = await ask.try<Answer>('/api/wishlist/wishes', { productId });
      if (status === 201) return 'kept';
      if (status === 404) return 'NOT_FOUND';
      const { code } = body;
      if (status === 503 && (code === 'STARTING' || code === 'PLUGIN_NOT_UP')) return code;
      throw refused('/api/wishlist/wishes', { status, body });
    },
  };
}

/** The staff fills the shelves, so that nothing is sold out. Returns the ids of the products. */
export async function stockUp(url: string, quantity: number): Promise<readonly string[]> {
  const staff = await signIn(url, { email: 'staff@shop.example', password: 'ahoy' });
  const products = await staff.get<readonly Answer[]>('/api/catalog/products');
  const ids = products.map(({ id }) => id);
  for (const productId of ids) await staff.post('/api/inventory/receipts', { productId, quantity });
  return ids;
}

interface SignedIn {
  get<T>(path: string): Promise<T>;
  post(path: string, body: object): Promise<Answer>;
  /** The answer, whatever its status. */
  try<T>(path: string, body: object): Promise<Reply<T>>;
}

async function signIn(url: string, account: object): Promise<SignedIn> {
  const { token } = await post(url, '/api/auth/sessions', account);
  return {
    get: async <T>(path: string) => accept(path, await send<T>(url, path, token)),
    post: (path, body) => post(url, path, body, token),
    try: (path, body) => send(url, path, token, body),
  };
}

async function post(url: string, path: string, body: object, token = ''): Promise<Answer> {
  return accept(path, await send<Answer>(url, path, token, body));
}

async function send<T>(url: string, path: string, token: string, body?: object): Promise<Reply<T>> {
  const response = await fetch(`${url}${path}`, {
    headers: { authorization: `Bearer ${token}`, connection: 'close' },
    signal: AbortSignal.timeout(patienceMs),
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as T };
}

function accept<T>(path: string, reply: Reply<T>): T {
  if (reply.status < 400) return reply.body;
  throw refused(path, reply);
}

function refused(path: string, { status, body }: Reply<unknown>): Error {
  return new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
}
