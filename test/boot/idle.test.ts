import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { requireBuiltPackage } from '../support/built-package.ts';
import { useDatabase } from '../support/database.ts';
import { runTypeScript } from '../support/run-typescript.ts';

const db = useDatabase();
const program = fileURLToPath(new URL('./idle-program.ts', import.meta.url));

test('a boot that is up keeps no process alive', async () => {
  requireBuiltPackage();
  const { url } = await db.fresh();
  const running = promisify(execFile)(process.execPath, [...runTypeScript, program, url], {
    timeout: 30_000,
  });
  expect((await running).stdout).toBe('ready\n');
});
