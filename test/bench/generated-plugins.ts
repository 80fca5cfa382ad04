import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceRef, type Plugin } from 'slipway';
import { shapes, type ShapeName } from './shapes.ts';

export const filesPerPlugin = 3;

/** The tables of a plugin that is migrated, its history aside. */
export const tablesPerPlugin = 2;

/** What drizzle-kit would write over the life of a small plugin. */
const files: Readonly<Record<string, string>> = {
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

/** Plugins that do nothing at all, so that what a boot of them takes is Slipway's own time. */
export function zeroTimePlugins(count: number, shape: ShapeName): readonly Plugin[] {
  return generate(count, shape, () => undefined);
}

/** Writes a migrations folder for each plugin, for as long as `use` runs. */
export async function withMigratingPlugins<Result>(
  count: number,
  shape: ShapeName,
  use: (plugins: readonly Plugin[]) => Promise<Result>,
): Promise<Result> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  try {
    const plugins = generate(count, shape, (id) => join(root, id));
    for (const { id } of plugins) await writeMigrations(join(root, id));
    return await use(plugins);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function generate(
  count: number,
  shape: ShapeName,
  folderOf: (id: string) => string | undefined,
): readonly Plugin[] {
  const needs = shapes[shape](count);
  const apis = needs.map((_, index) => serviceRef<number>(`plugin-${index}.api`));
  return apis.map((api, index): Plugin => {
    const id = `plugin-${index}`;
    const migrations = folderOf(id);
    const deps = (needs[index] ?? []).flatMap((needed) => {
      const ref = apis[needed];
      return ref ? [[`plugin${needed}`, ref] as const] : [];
    });
    return {
      id,
      ...(migrations === undefined ? {} : { migrations }),
      deps: Object.fromEntries(deps),
      provides: { api },
      init: () => ({ api: index }),
    };
  });
}

async function writeMigrations(folder: string): Promise<void> {
  const entries = Object.keys(files).map((tag, idx) => {
    return { idx, version: '7', when: 1_700_000_000_000 + idx * 1_000, tag, breakpoints: true };
  });
  const journal = { version: '7', dialect: 'postgresql', entries };
  await mkdir(join(folder, 'meta'), { recursive: true });
  await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify(journal));
  for (const [tag, sql] of Object.entries(files)) await writeFile(join(folder, `${tag}.sql`), sql);
}
