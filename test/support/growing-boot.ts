import { createRecorder, definePlugin, serviceRef, type Plugin } from '../../src/index.ts';
import { failureOf, type BootUnderTest } from './boot-under-test.ts';
import { migrationFolder } from './migration-folder.ts';

export const authApi = serviceRef<number>('auth.api');

/** The plugins that a growing boot begins with. */
export const firstPlugins: readonly Plugin[] = [
  definePlugin({ id: 'auth', provides: { authApi }, init: () => ({ authApi: 1 }) }),
  definePlugin({ id: 'audit', after: ['auth'], init() {} }),
];

/**
 * Has plugins come and go while a boot is up: launch 2 adds reviews and stars, launch 3 fails, the removal of auth is refused,
 * and audit is removed.
 */
export async function grow({ boot }: BootUnderTest): Promise<void> {
  await boot.start();
  const migrations = await migrationFolder({ '0000_a': 'CREATE TABLE IF NOT EXISTS a (id int);' });
  await boot.add([
    definePlugin({ id: 'reviews', deps: { authApi }, migrations, init() {} }),
    definePlugin({ id: 'stars', after: ['reviews'], init() {} }),
  ]);
  const broken = definePlugin({
    id: 'broken',
    deps: { authApi },
    init() {
      throw new Error('no light');
    },
  });
  await failureOf(boot.add(broken));
  await failureOf(boot.remove('auth'));
  await boot.remove('audit');
}

/** Records a boot from now on. Returns what gives its lines so far. */
export function recordLines({ boot }: BootUnderTest): () => string {
  let lines = '';
  createRecorder(boot, { write: (text) => void (lines += text) });
  return () => lines;
}
