import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';

/** What the customer reads of the shop's answers. */
interface Answer {
  readonly id: string;
  readonly token: string;
  readonly name: string;
  readonly title: string;
  readonly kind: string;
  readonly orderId: string;
  readonly status: string;
}

/** Goes to the shop at `url`: looks for rope, orders some, gets an invoice, pays it, and finds the order again. */
export async function buySomething(url: string): Promise<void> {
  const get = <T>(path: string, token = ''): Promise<T> => send<T>(`${url}${path}`, { token });
  const post = (path: string, body: object, token = ''): Promise<Answer> =>
    send<Answer>(`${url}${path}`, { token, body });

  const [rope] = await until(
    () => get<readonly Answer[]>('/api/search/documents?q=mooring+rope'),
    (found) => found.length > 0,
  );
  expect(rope?.title).toMatch(/^Mooring rope/);
  const products = await get<readonly Answer[]>('/api/catalog/products');
  const productId = products.find(({ name }) => name === rope?.title)?.id;

  const account = { email: 'customer@shop.example', password: 'ahoy' };
  const { token } = await post('/api/auth/sessions', account);
  const order = await post('/api/orders/orders', { lines: [{ productId, quantity: 2 }] }, token);
  expect(order.status).toBe('placed');
  const invoices = await until(
    () => get<readonly Answer[]>('/api/billing/invoices', token),
    (found) => found.some(({ orderId }) => orderId === order.id),
  );
  const invoice = invoices.find(({ orderId }) => orderId === order.id);
  await post(`/api/billing/invoices/${invoice?.id}/payments`, { method: 'card' }, token);
  expect(await get<Answer>(`/api/orders/orders/${order.id}`, token)).toMatchObject({
    status: 'paid',
    lines: [{ productId, quantity: 2 }],
  });
}

interface Request {
  readonly token: string;
  readonly body?: object;
}

async function send<T>(url: string, { token, body }: Request): Promise<T> {
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, connection: 'close' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

/** Asks again until the answer is good: the shop's workers do their part a moment later, and tell nobody outside. */
async function until<T>(ask: () => Promise<T>, isGood: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isGood(answer)) return answer;
    await pause(20);
  }
}
