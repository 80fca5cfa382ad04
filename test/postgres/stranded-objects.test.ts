import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readMigrationFolder } from '../../src/postgres/sources/migration-files.ts';
import {
  findStranded,
  type Claimant,
  type PublicObject,
} from '../../src/postgres/survey/stranded-objects.ts';
import { writeSnapshots } from '../support/snapshots.ts';
import { writeFolder } from './migration-fixture.ts';

const table = (name: string): PublicObject => ({ kind: 'table', name, alsoIn: [] });

/** A plugin with two files and their snapshots, which tells each snapshot that was asked for. */
async function claimant(id: string, schema: string, reads: string[]): Promise<Claimant> {
  const folder = await writeFolder({ '0000_a': 'select 1;', '0001_b': 'select 2;' });
  await writeSnapshots(folder, {
    '0000_a': { tables: [`${id}_old`] },
    '0001_b': { tables: [`${id}_new`] },
  });
  const files = await readMigrationFolder(id, folder);
  const watched = files.map((file, index) => ({
    ...file,
    get snapshotPath() {
      reads.push(`${id} ${index}`);
      return join(folder, 'meta', `000${index}_snapshot.json`);
    },
  }));
  return { id, schema, files: watched, applied: watched, isAhead: false };
}

describe('the look for stranded objects reads', () => {
  test.each([
    ['nothing while public is empty', [], []],
    [
      'the newest snapshot of the host and no other while all in public is of the host',
      ['host_new'],
      ['host 1'],
    ],
    [
      'the newest snapshot of each plugin when something in public is not of the host',
      ['host_new', 'stranger'],
      ['host 1', 'a 1', 'b 1'],
    ],
  ])('%s', async (_, inPublic, expected) => {
    const reads: string[] = [];
    const claimants = [
      await claimant('host', 'public', reads),
      await claimant('a', 'plugin_a', reads),
      await claimant('b', 'plugin_b', reads),
    ];
    const found = await findStranded(claimants, inPublic.map(table), true);
    expect(found.size).toBe(0);
    expect(reads).toEqual(expected);
  });

  test('everything of the host before it says that something is stranded', async () => {
    const reads: string[] = [];
    const host = await claimant('host', 'public', reads);
    const a = await claimant('a', 'plugin_a', reads);
    const found = await findStranded([host, a], [table('a_new')], true);
    expect(found.get('a')).toEqual({ certain: [table('a_new')], disputed: [] });
    expect(reads).toContain('host 0');
  });

  test('no snapshot of a plugin that has applied nothing', async () => {
    const reads: string[] = [];
    const a = { ...(await claimant('a', 'plugin_a', reads)), applied: [] };
    expect((await findStranded([a], [table('a_new')], true)).size).toBe(0);
    expect(reads).toEqual([]);
  });
});
