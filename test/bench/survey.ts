import { createHash } from 'node:crypto';
import type { Plugin } from 'slipway';
import { createBoot, getPluginSchemaName } from 'slipway';
import { withClient } from '../support/leaks.ts';
import type { TestDatabase } from '../support/test-database.ts';
import { withDatabase } from './fresh-database.ts';
import { generateFiles, whenOf, withMigratingPlugins } from './generated-plugins.ts';
import { sampleOf, type Rounds, type Sample } from './measure.ts';
import { watchQueries } from './watch-queries.ts';

/** What it takes to find out that nothing is to be done. */
export interface SurveyResult {
  readonly plugins: number;
  /** `plan()`: every folder is read, and the database is asked. */
  readonly plan: Sample;
  /** The part of it in which PostgreSQL was asked. */
  readonly asking: Sample;
  readonly statements: number;
}

export const filesPerSurveyedPlugin = 10;

/** Measures the survey of plugins whose files are all applied. */
export function measureSurvey(
  adminUrl: string,
  count: number,
  { rounds, warmUps }: Rounds,
): Promise<SurveyResult> {
  const files = generateFiles(filesPerSurveyedPlugin);
  const measure = async (plugins: readonly Plugin[]): Promise<SurveyResult> =>
    withDatabase(adminUrl, async (database) => {
      await writeHistories(database, plugins, Object.values(files));
      const looks: Look[] = [];
      for (let round = -warmUps; round < rounds; round += 1) {
        const look = await lookOnce(database, plugins);
        if (round >= 0) looks.push(look);
      }
      return {
        plugins: count,
        plan: sampleOf(looks.map(({ planMs }) => planMs)),
        asking: sampleOf(looks.map(({ askingMs }) => askingMs)),
        statements: Math.max(...looks.map(({ statements }) => statements)),
      };
    });
  return withMigratingPlugins(count, 'none', measure, files);
}

interface Look {
  readonly planMs: number;
  readonly askingMs: number;
  readonly statements: number;
}

async function lookOnce(database: TestDatabase, plugins: readonly Plugin[]): Promise<Look> {
  const pool = database.pool();
  const queries = watchQueries(pool);
  const startedAt = performance.now();
  const plan = await createBoot({ pool, plugins, registry: false }).plan();
  const planMs = performance.now() - startedAt;
  const isDone = plan.plugins.every(({ pending }) => pending.length === 0);
  if (!isDone || plan.problems.length > 0) throw new Error('The histories do not fit the folders');
  await database.expectNoLeak();
  const askingMs = queries.reduce((sum, { ms }) => sum + ms, 0);
  return { planMs, askingMs, statements: queries.length };
}

/** Writes what migrations would have left behind, without running them: only the histories are looked at. */
export async function writeHistories(
  { url }: TestDatabase,
  plugins: readonly Plugin[],
  texts: readonly string[],
): Promise<void> {
  const rows = texts.map((text, index) => {
    return `('${createHash('sha256').update(text).digest('hex')}', ${whenOf(index)})`;
  });
  await withClient(url, async (client) => {
    for (const { id } of plugins) {
      const schema = getPluginSchemaName(id);
      const history = `"${schema}".__drizzle_migrations`;
      await client.query(
        `set synchronous_commit = off; create schema "${schema}";
         create table ${history} (id serial primary key, hash text not null, created_at bigint);
         insert into ${history} (hash, created_at) values ${rows.join(', ')}`,
      );
    }
    await client.query('analyze');
  });
}
