import { assertReplicasSafe } from 'slipway/testing';
import { expect, inject, it } from 'vitest';

const server = inject('postgresUrl');
const moduleUrl = (name: string): URL => new URL(`./replica-modules/${name}.ts`, import.meta.url);

it('replicas of modules are processes, and are killed with SIGKILL', async () => {
  const { rounds } = await assertReplicasSafe({ modules: [moduleUrl('safe')], server, kills: 2 });
  expect(rounds).toHaveLength(3);
});

it('an init that leaves half of its rows when its process is killed', async () => {
  await expect(assertReplicasSafe({ modules: [moduleUrl('half-way')], server })).rejects.toThrow(
    'items.items: 2 rows, a single boot leaves 3',
  );
});
