import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { transformSync } from 'oxc-transform';
import { expect, onTestFinished, test } from 'vitest';
import { repository } from '../../../test/architecture/imports.ts';
import { useDatabase } from '../../../test/support/database.ts';

const run = promisify(execFile);
const db = useDatabase();

interface Sent {
  readonly path: string;
  readonly body: unknown;
}

/** A receiver of OTLP over HTTP, on a free port of the loopback. */
async function receive(): Promise<{ readonly url: string; readonly sent: readonly Sent[] }> {
  const sent: Sent[] = [];
  const keep = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    sent.push({ path: request.url ?? '', body: await json(request) });
    response.setHeader('content-type', 'application/json').end('{}');
  };
  const server = createServer((request, response) => void keep(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent };
}

/** Every object in a JSON value that has a name. */
function named(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(named);
  return 'name' in value ? [value, ...inner] : inner;
}

test('the program sends its boot to a real receiver of OTLP, with the queries of the plugin inside', async () => {
  const { url: database } = await db.fresh();
  const { url, sent } = await receive();
  const program = await readFile(new URL('main.ts', import.meta.url), 'utf8');
  // Instrumentations do not work under loaders of TypeScript, so that it runs as the JavaScript that it is built to.
  const { code } = transformSync('main.ts', program);
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const { stderr } = await run(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: repository,
    env: {
      ...process.env,
      DATABASE_URL: database,
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      TRACEPARENT: `00-${traceId}-b7ad6b7169203331-01`,
    },
  });
  expect(stderr).toBe('');
  const spans = sent.filter(({ path }) => path === '/v1/traces').flatMap(({ body }) => named(body));
  const find = (wanted: string) => spans.find(({ name }) => name === wanted);
  expect(find('slipway boot')).toMatchObject({ traceId, parentSpanId: 'b7ad6b7169203331' });
  for (const [query, parent] of [
    ['pg.query:INSERT', 'init harbour'],
    ['pg.query:CREATE', 'migrate.file'],
  ] as const) {
    const inside = spans.filter(({ parentSpanId }) => parentSpanId === find(parent)?.['spanId']);
    expect(inside.map(({ name }) => String(name).split(' ')[0])).toContain(query);
  }
  const metrics = sent
    .filter(({ path }) => path === '/v1/metrics')
    .flatMap(({ body }) => named(body).map(({ name }) => name));
  expect(metrics).toEqual(
    expect.arrayContaining(['slipway.boot.duration', 'slipway.migration.files']),
  );
  expect(JSON.stringify(sent)).not.toContain('Argo');
});
