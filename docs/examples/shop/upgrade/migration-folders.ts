import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The migrations of one plugin, which is called like the folder that they are in. */
export interface PluginMigrations {
  readonly id: string;
  /** As drizzle-kit writes it. */
  readonly folder: string;
}

const shop = fileURLToPath(new URL('../', import.meta.url));

export const hostMigrations = join(shop, 'drizzle');

/** Those of the shop's own plugins and those of its packages: all of them have some. */
export async function findPluginMigrations(): Promise<readonly PluginMigrations[]> {
  const found: PluginMigrations[] = [];
  for (const kind of ['plugins', 'packages']) {
    const ids = await readdir(join(shop, kind));
    found.push(...ids.map((id) => ({ id, folder: join(shop, kind, id, 'drizzle') })));
  }
  return found;
}
