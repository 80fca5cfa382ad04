import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceRef, type Plugin } from 'slipway';
import { generatePlugins } from './contenders/plugins.ts';
import type { ShapeName } from './shapes.ts';

export const filesPerPlugin = 3;

/** The tables of plugins that are migrated, with their histories. */
export function tablesOf(plugins: readonly Plugin[], { histories = true } = {}): number {
  return plugins.length * (histories ? 3 : 2);
}

/** What drizzle-kit would write in the youth of a small plugin. */
const firstFiles: MigrationTexts = {
  '0000_items': `CREATE TYPE "item_state" AS ENUM('open', 'closed');
--> statement-breakpoint
CREATE TABLE "items" (
  "id" serial PRIMARY KEY NOT NULL,
  "name" text NOT NULL,
  "state" "item_state" DEFAULT 'open' NOT NULL
);`,
  '0001_notes': `CREATE TABLE "notes" (
  "id" serial PRIMARY KEY NOT NULL,
  "item_id" integer NOT NULL,
  "body" text
);
--> statement-breakpoint
ALTER TABLE "notes" ADD CONSTRAINT "notes_item_id_fk" FOREIGN KEY ("item_id") REFERENCES "items"("id");`,
  '0002_names': `ALTER TABLE "items" ADD COLUMN "created_at" timestamp DEFAULT now() NOT NULL;
--> statement-breakpoint
CREATE INDEX "items_name_index" ON "items" ("name");`,
};

/** The files of a folder by their names, without `.sql`. */
export type MigrationTexts = Readonly<Record<string, string>>;

/** What drizzle-kit would write for `count` releases with a change each. */
export function generateFiles(count: number): MigrationTexts {
  const later = Array.from({ length: Math.max(0, count - filesPerPlugin) }, (_, index) => {
    const number = index + filesPerPlugin;
    const text = `ALTER TABLE "notes" ADD COLUMN "extra_${number}" integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
CREATE INDEX "notes_extra_${number}_index" ON "notes" ("extra_${number}");`;
    return [`${String(number).padStart(4, '0')}_extra`, text] as const;
  });
  return Object.fromEntries([...Object.entries(firstFiles), ...later].slice(0, count));
}

/** Plugins that do nothing at all, so that what a boot of them takes is Slipway's own time. */
export function zeroTimePlugins(count: number, shape: ShapeName): readonly Plugin[] {
  return generatePlugins(serviceRef, count, shape);
}

/** Writes a migrations folder for each plugin, for as long as `use` runs. */
export async function withMigratingPlugins<Result>(
  count: number,
  shape: ShapeName,
  use: (plugins: readonly Plugin[]) => Promise<Result>,
  files: MigrationTexts = firstFiles,
): Promise<Result> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  try {
    const plugins = generatePlugins(serviceRef, count, shape, (id) => join(root, id));
    for (const { id } of plugins) await writeMigrations(join(root, id), files);
    return await use(plugins);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** `when` of a plugin's file, by its place among them. */
export function whenOf(index: number): number {
  return 1_700_000_000_000 + index * 1_000;
}

/** Where a generated plugin's files are. */
export function migrationsOf({ id, migrations }: Plugin): string {
  if (typeof migrations !== 'string') throw new Error(`${id} has no folder of migrations`);
  return migrations;
}

/** Gives the first of the plugins one file more, which changes `notes`, and returns its text. */
export async function releaseFirst(
  [first]: readonly Plugin[],
  count = filesPerPlugin + 1,
): Promise<string> {
  const files = generateFiles(count);
  if (first) await writeMigrations(migrationsOf(first), files);
  return Object.values(files).at(-1) ?? '';
}

/** Writes a folder as drizzle-kit does. */
async function writeMigrations(folder: string, files: MigrationTexts): Promise<void> {
  const entries = Object.keys(files).map((tag, idx) => {
    return { idx, version: '7', when: whenOf(idx), tag, breakpoints: true };
  });
  const journal = { version: '7', dialect: 'postgresql', entries };
  await mkdir(join(folder, 'meta'), { recursive: true });
  await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify(journal));
  for (const [tag, sql] of Object.entries(files)) await writeFile(join(folder, `${tag}.sql`), sql);
}
