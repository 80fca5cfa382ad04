import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { definePlugin, serviceRef, sqlFiles } from 'slipway';
import type { Plugin, ServiceRef } from 'slipway';

/** The subjects of the backend. When there are more columns than names, the names get a number. */
const subjects =
  'accounts addresses articles authors banners bookings brands campaigns carriers carts claims coupons customers deliveries invoices labels orders parcels payments prices products refunds returns reviews shops stock suppliers taxes tickets users'.split(
    ' ',
  );
/** The layers of the backend, from the lowest. */
const layers = 'store events rules api search mail reports export admin pages'.split(' ');

/**
 * Generates a backend of up to ten layers: `orders-store`, `orders-events` and so on. Each plugin needs the one below it and one
 * or two beside that. The folders of their migrations exist while `use` runs.
 */
export async function withGeneratedPlugins<Result>(
  count: number,
  use: (plugins: readonly Plugin[]) => Promise<Result>,
): Promise<Result> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-generated-'));
  try {
    return await use(await generatePlugins(count, root));
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function generatePlugins(count: number, root: string): Promise<readonly Plugin[]> {
  const width = Math.max(Math.ceil(count / layers.length), Math.ceil(Math.sqrt(count)));
  const services: ServiceRef<string>[] = [];
  const plugins: Plugin[] = [];
  for (let index = 0; index < count; index += 1) {
    const [layer, column] = [Math.floor(index / width), index % width];
    const id = `${nameColumn(column)}-${layers[layer]}`;
    const service = serviceRef<string>(`${id}.service`);
    const needs = layer === 0 ? [] : pickNeeds(index - width - column, column, width, layer);
    const deps = needs.flatMap((need) => services[need] ?? []).map((ref) => [ref.id, ref]);
    services.push(service);
    plugins.push(
      definePlugin({
        id,
        version: `${1 + (layer % 3)}.${index % 7}.0`,
        migrations: sqlFiles(await writeFiles(join(root, id), index)),
        deps: Object.fromEntries(deps) as Record<string, ServiceRef<string>>,
        provides: { service },
        async init() {
          // A few plugins of a real backend take much longer than the others.
          await pause(index % 41 === 7 ? 400 : 5 + ((index * 37) % 60));
          return { service: id };
        },
      }),
    );
  }
  return plugins;
}

function nameColumn(column: number): string {
  const name = subjects[column % subjects.length] ?? '';
  const round = Math.floor(column / subjects.length);
  return round === 0 ? name : `${name}-${round + 1}`;
}

/** The plugins of the layer below, which begins at `first`: the own subject, and one or two others. */
function pickNeeds(first: number, column: number, width: number, layer: number): readonly number[] {
  const columns = [column, column + layer, ...(column % 3 === 0 ? [column + 7] : [])];
  return [...new Set(columns.map((each) => first + (each % width)))];
}

/** Writes one to four files. */
async function writeFiles(folder: string, index: number): Promise<string> {
  const rows = index % 29 === 3 ? 50_000 : 100;
  const files = [
    'CREATE TABLE items (id int PRIMARY KEY, name text NOT NULL);',
    `INSERT INTO items SELECT n, 'Item ' || n FROM generate_series(1, ${rows}) AS n;\n--> statement-breakpoint\nCREATE INDEX items_by_name ON items (name);`,
    `CREATE TABLE notes (item_id int NOT NULL REFERENCES items, body text NOT NULL);\n--> statement-breakpoint\nCREATE INDEX ON notes (item_id);`,
    `ALTER TABLE items ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();`,
  ];
  const names = ['0001_items', '0002_first_items', '0003_notes', '0004_changed_at'];
  await mkdir(folder);
  for (const [at, sql] of files.slice(0, 1 + (index % files.length)).entries()) {
    await writeFile(join(folder, `${names[at]}.sql`), `${sql}\n`);
  }
  return folder;
}
