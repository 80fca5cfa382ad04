import { describe, expect, it } from 'vitest';
import type { GraphOptions } from '../../src/core/graph-edges.ts';
import { buildGraph } from '../../src/core/graph.ts';
import type { Plugin } from '../../src/core/plugin.ts';
import { checkPlugin } from '../../src/core/plugin-check.ts';
import { BootError } from '../../src/core/errors.ts';
import { getPreviousSchemaNames } from '../../src/core/schema-name.ts';

function conflictsOf(plugins: readonly Plugin[], options: GraphOptions = {}): readonly string[] {
  try {
    buildGraph(plugins, options);
    return [];
  } catch (error) {
    if (!(error instanceof BootError)) throw error;
    return (error.problems ?? []).flatMap(({ code, message }) =>
      code === 'PREVIOUS_ID_CONFLICT' ? [message] : [],
    );
  }
}

describe('a previous id', () => {
  it('may be anything that nobody has', () => {
    expect(conflictsOf([{ id: 'c', previousIds: ['b', 'a', 'B & "Sons"'] }, { id: 'd' }])).toEqual(
      [],
    );
  });

  it('is not the id of another plugin, nor the own', () => {
    expect(
      conflictsOf([{ id: 'stock', previousIds: ['stock', 'inventory'] }, { id: 'inventory' }]),
    ).toEqual([
      'stock claims the schema plugin_stock in previousIds, which the plugin stock has',
      'stock claims the schema plugin_inventory in previousIds, which the plugin inventory has',
    ]);
  });

  it('is not the id of a plugin that is switched off: its data stays its own', () => {
    const disabledIds = ['inventory'];
    expect(
      conflictsOf([{ id: 'stock', previousIds: ['inventory'] }], { disabledIds }),
    ).toHaveLength(1);
  });

  it('is claimed by one plugin only', () => {
    expect(
      conflictsOf([
        { id: 'a', previousIds: ['old'] },
        { id: 'b', previousIds: ['old'] },
      ]),
    ).toEqual(['b claims the schema plugin_old in previousIds, which a claims too']);
  });

  it("never leads to the host's own schema", () => {
    const takenSchemas = new Map([['plugin_main', 'the host']]);
    expect(conflictsOf([{ id: 'a', previousIds: ['main'] }], { takenSchemas })).toEqual([
      'a claims the schema plugin_main in previousIds, which the host has',
    ]);
  });

  it('that was too long is looked for as PostgreSQL has cut it', () => {
    const long = 'ä'.repeat(40);
    expect(getPreviousSchemaNames(['a', 'a', long])).toEqual([
      'plugin_a',
      `plugin_${'ä'.repeat(28)}`,
    ]);
  });

  it.each([['inventory'], [['']], [[1]], [['a\0b']]])('%j is refused', (previousIds) => {
    expect(() => checkPlugin({ id: 'stock', previousIds }, 'plugins[0]')).toThrow(
      'Expected plugins[0].previousIds to be an array of ids that the plugin had before, got',
    );
  });
});
