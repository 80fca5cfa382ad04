import { SpanKind } from '@opentelemetry/api';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { traceBoot } from '../../src/otel.ts';
import { definePlugin } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { collect, useAsyncContext } from './collected.ts';

const db = useDatabase();
const bootUnderTest = useBoots();
useAsyncContext();

const instrumentation = new PgInstrumentation();
/** The tests have loaded pg before, so it is patched by hand. A program loads the instrumentation first. */
const [ofPg] = instrumentation.getModuleDefinitions();
beforeAll(() => void ofPg?.patch?.(pg));
afterAll(() => ofPg?.unpatch?.(pg));

const secret = 'se-cret-parameter';

test('with @opentelemetry/instrumentation-pg the queries of migrations, init, ready and stop are spans inside of their step', async () => {
  const { url } = await db.fresh();
  const collected = collect();
  instrumentation.setTracerProvider(collected.tracerProvider);
  const sql = await migrationFolder({ '0000_a': 'CREATE TABLE a (id int);' });
  const query = async ({ database }: { readonly database: pg.Pool }, tag: string) =>
    void (await database.query(`SELECT $1::text AS ${tag}`, [secret]));
  const plugins = [
    definePlugin({ id: 'files', migrations: sql }),
    definePlugin({
      id: 'code',
      migrations: [
        {
          name: '0000_run',
          run: async (client) => {
            await client.query('SELECT $1::text AS in_function', [secret]);
          },
        },
      ],
      init: async (own) => {
        own.onStop(() => query(own, 'in_stop'));
        await query(own, 'in_init');
      },
      ready: (own) => query(own, 'in_ready'),
    }),
  ];
  const { boot } = bootUnderTest({ pool: url, plugins });
  traceBoot(boot, collected);
  await boot.start();
  await boot.stop();
  const spans = collected.spans();
  const parentOf = (text: string): string | undefined => {
    const span = spans.find(
      ({ kind, attributes }) =>
        kind === SpanKind.CLIENT && JSON.stringify(attributes).includes(text),
    );
    const parent = spans.find(
      (each) => each.spanContext().spanId === span?.parentSpanContext?.spanId,
    );
    const file = parent?.attributes['slipway.migration.file'];
    return parent && (typeof file === 'string' ? `${parent.name} ${file}` : parent.name);
  };
  expect(parentOf('CREATE TABLE a')).toBe('migrate.file 0000_a.sql');
  expect(parentOf('in_function')).toBe('migrate.file 0000_run');
  expect(parentOf('in_init')).toBe('init code');
  expect(parentOf('in_ready')).toBe('ready code');
  expect(parentOf('in_stop')).toBe('stop code');
  expect(parentOf('server_version')).toBe('migrateAll');
  const roots = spans.filter(({ parentSpanContext }) => !parentSpanContext);
  expect(roots.map(({ name }) => name)).toEqual(['slipway boot', 'stopAll']);
});
