import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { runTypeScript } from '../support/run-typescript.ts';

const db = useDatabase();
const program = fileURLToPath(new URL('../support/busy-pool-program.ts', import.meta.url));

/** With a listener that was taken off after the release, the process ended in the first of these rounds. */
const rounds = 15;

test('a busy pool of the host outlives the death of its clients: every caller has a listener of its own', async () => {
  const child = fork(program, [db.url], {
    execArgv: [...runTypeScript],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const messages: unknown[] = [];
  child.on('message', (message) => messages.push(message));
  const up = once(child, 'message');
  await Promise.race([up, exited]);

  for (let round = 0; round < rounds && child.exitCode === null; round += 1) {
    await db.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'busy pool' and datname = current_database()",
    );
  }
  if (child.exitCode === null) child.send('enough');
  const [code] = (await exited) as [number | null];

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { answers, errors } = messages.at(-1) as { answers: number; errors: number };
  expect(answers).toBeGreaterThan(0);
  expect(errors).toBeGreaterThan(0);
});
