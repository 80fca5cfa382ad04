import { expect, inject, test } from 'vitest';
import { withClient } from '../support/leaks.ts';
import { findServerCpu } from './server-cpu.ts';

const work = 'select count(*) from generate_series(1, 2000000)';

test.runIf(process.platform === 'linux' && !process.env['DATABASE_URL'])(
  'the CPU time of a server counts sessions that live and sessions that have ended',
  async () => {
    const url = inject('postgresUrl');
    const readCpu = await findServerCpu(url);
    if (!readCpu) throw new Error('The processes of the server were not found');
    const atFirst = readCpu();
    const whileAlive = await withClient(url, async (client) => {
      await client.query(work);
      return readCpu();
    });
    expect(whileAlive).toBeGreaterThan(atFirst);
    expect(readCpu()).toBeGreaterThanOrEqual(whileAlive);
  },
);
