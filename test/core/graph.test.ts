import { describe, expect, it } from 'vitest';
import { coreServices } from '../../src/core/core-services.ts';
import { BootError } from '../../src/core/errors.ts';
import type { GraphOptions } from '../../src/core/graph-edges.ts';
import { buildGraph } from '../../src/core/graph.ts';
import type { Plugin } from '../../src/core/plugin.ts';
import { collectionRef, serviceRef } from '../../src/core/service.ts';

const authApi = serviceRef<string>('auth.api');
const catalogApi = serviceRef<string>('catalog.api');
const indexers = collectionRef<string>('search.indexers');

const orderOf = (...plugins: readonly Plugin[]): readonly string[] =>
  buildGraph(plugins).plugins.map(({ id }) => id);

function problemsOf(plugins: readonly Plugin[], options?: GraphOptions): readonly string[] {
  try {
    buildGraph(plugins, options);
    return [];
  } catch (error) {
    if (!(error instanceof BootError) || error.code !== 'GRAPH_INVALID') throw error;
    return (error.problems ?? []).map(({ code, message }) => `${code}: ${message}`);
  }
}

describe('the order of plugins', () => {
  it('is the order of listing where nothing speaks against it', () => {
    expect(orderOf({ id: 'c' }, { id: 'a' }, { id: 'b' })).toEqual(['c', 'a', 'b']);
  });

  it('puts a provider before those who need it', () => {
    expect(
      orderOf({ id: 'catalog', deps: { auth: authApi } }, { id: 'auth', provides: { authApi } }),
    ).toEqual(['auth', 'catalog']);
  });

  it('puts every provider of a collection before the one that collects it', () => {
    expect(
      orderOf(
        { id: 'search', deps: { all: indexers } },
        { id: 'catalog', provides: { indexers } },
        { id: 'orders', provides: { indexers } },
      ),
    ).toEqual(['catalog', 'orders', 'search']);
  });

  it('obeys after, and warns when the plugin it names is absent', () => {
    expect(orderOf({ id: 'a', after: ['b'] }, { id: 'b' })).toEqual(['b', 'a']);
    expect(buildGraph([{ id: 'a', after: ['adit'] }, { id: 'audit' }]).warnings).toEqual([
      { plugin: 'a', message: 'a comes after adit, which is absent. Did you mean audit?' },
    ]);
  });

  it('tells each edge with its reason', () => {
    const { edges } = buildGraph([
      { id: 'auth', provides: { authApi, indexers } },
      { id: 'catalog', deps: { auth: authApi } },
      { id: 'shop', deps: { auth: authApi.optional(), all: indexers }, after: ['catalog'] },
    ]);
    expect(edges.map(({ kind, reason }) => `${kind}: ${reason}`)).toEqual([
      'needs: catalog needs auth.api from auth',
      'order: shop may use auth.api from auth',
      'order: shop collects search.indexers from auth',
      'order: shop comes after catalog',
    ]);
  });

  it('warns of a required plugin that needs an optional one', () => {
    const { warnings } = buildGraph([
      { id: 'auth', provides: { authApi }, required: false },
      { id: 'catalog', deps: { auth: authApi } },
    ]);
    expect(warnings).toEqual([
      { plugin: 'catalog', message: 'catalog is required and needs auth, which is optional' },
    ]);
  });

  it('is empty for no plugins', () => {
    expect(buildGraph([])).toEqual({ plugins: [], nodes: [], edges: [], warnings: [] });
  });

  it('is found for a chain of ten thousand plugins', () => {
    const refs = Array.from({ length: 10_000 }, (_, index) => serviceRef<number>(`s${index}`));
    const chain = refs.map((ref, index): Plugin => {
      const before = refs[index - 1];
      return { id: `p${index}`, provides: { ref }, ...(before ? { deps: { before } } : {}) };
    });
    expect(buildGraph(chain.toReversed()).plugins[0]?.id).toBe('p0');
  });
});

describe('a graph that cannot be', () => {
  it('reports every problem at once', () => {
    const found = problemsOf([
      { id: 'Auth' },
      { id: 'twin' },
      { id: 'twin' },
      { id: 'catalog', deps: { auth: authApi, logger: catalogApi }, provides: { catalogApi } },
      { id: 'other', provides: { catalogApi } },
      { id: 'x'.repeat(70) },
    ]);
    expect(found.map((each) => each.replace(/:.*/, '')).toSorted()).toEqual([
      'DEPENDENCY_CYCLE',
      'DEP_KEY_RESERVED',
      'PLUGIN_DUPLICATE',
      'PLUGIN_ID_INVALID',
      'SCHEMA_NAME_TOO_LONG',
      'SERVICE_DUPLICATE',
      'SERVICE_MISSING',
    ]);
  });

  it('reports two plugins of one id alone, and not what comes of it', () => {
    const users = Array.from({ length: 3 }, (_, index) => ({
      id: `user-${index}`,
      deps: { authApi },
    }));
    const providing = { id: 'auth', provides: { authApi } };
    const told = ['PLUGIN_DUPLICATE: 2 plugins have the id auth'];
    expect(problemsOf([providing, { id: 'auth' }, ...users])).toEqual(told);
    expect(problemsOf([{ id: 'auth' }, providing, ...users])).toEqual(told);
    expect(problemsOf([{ id: 'Bad' }, { id: 'Bad' }])).toEqual([
      'PLUGIN_DUPLICATE: 2 plugins have the id Bad',
      'PLUGIN_ID_INVALID: "Bad" is not kebab-case',
    ]);
  });

  it('says who needs what is missing, and what may be meant', () => {
    expect(
      problemsOf([
        { id: 'orders', deps: { c: serviceRef('catlog.api') } },
        { id: 'catalog', provides: { catalogApi } },
      ]),
    ).toEqual([
      'SERVICE_MISSING: orders needs catlog.api, which is not provided. Did you mean catalog.api from catalog?',
    ]);
  });

  it('tells a service from a collection of the same id', () => {
    const service = serviceRef('search.indexers');
    expect(
      problemsOf([
        { id: 'a', provides: { indexers } },
        { id: 'b', deps: { service } },
      ]),
    ).toEqual(['SERVICE_AMBIGUOUS: search.indexers is a service for b, and a collection for a']);
    expect(problemsOf([{ id: 'a', deps: { one: service.optional(), all: indexers } }])).toEqual([
      'SERVICE_AMBIGUOUS: search.indexers is a service for a, and a collection for a',
    ]);
    expect(problemsOf([{ id: 'a', deps: { all: collectionRef('core.logger') } }])).toEqual([
      'SERVICE_AMBIGUOUS: core.logger is a service for slipway, and a collection for a',
    ]);
    expect(problemsOf([], { hostServices: [service, indexers, indexers] })).toEqual([
      'SERVICE_AMBIGUOUS: search.indexers is a service for the host, and a collection for the host',
    ]);
  });

  it('shows the path of a cycle with its reasons', () => {
    expect(
      problemsOf([
        { id: 'a', deps: { auth: authApi } },
        { id: 'b', provides: { authApi }, deps: { catalog: catalogApi } },
        { id: 'c', provides: { catalogApi }, after: ['a'] },
      ]),
    ).toEqual([
      'DEPENDENCY_CYCLE: a → b → c → a: a needs auth.api from b; b needs catalog.api from c; c comes after a',
    ]);
  });

  it('shows a plugin that needs itself', () => {
    expect(problemsOf([{ id: 'a', provides: { authApi }, deps: { own: authApi } }])).toEqual([
      'DEPENDENCY_CYCLE: a → a: a needs auth.api from a',
    ]);
  });

  it('shows every knot of cycles once', () => {
    const pair = (one: string, two: string): Plugin[] => [
      { id: one, after: [two] },
      { id: two, after: [one] },
    ];
    expect(problemsOf([...pair('a', 'b'), ...pair('c', 'd')])).toHaveLength(2);
  });

  it('refuses a second provider, be it the host or Slipway itself', () => {
    const plugin: Plugin = { id: 'auth', provides: { authApi } };
    expect(problemsOf([plugin], { hostServices: [authApi] })).toEqual([
      'SERVICE_DUPLICATE: auth.api is provided by the host and auth',
    ]);
    expect(problemsOf([{ id: 'log', provides: { own: coreServices.logger } }])).toEqual([
      'SERVICE_DUPLICATE: core.logger is provided by slipway and log',
    ]);
    expect(problemsOf([], { hostServices: [authApi, coreServices.logger, authApi] })).toEqual([
      'SERVICE_DUPLICATE: auth.api is provided by the host, 2 times',
      'SERVICE_DUPLICATE: core.logger is provided by slipway and the host',
    ]);
    expect(problemsOf([{ id: 'auth', provides: { authApi, again: authApi } }])).toEqual([
      'SERVICE_DUPLICATE: auth.api is provided by auth, 2 times',
    ]);
  });

  it.each([
    '',
    'A',
    'a b',
    'a_b',
    '-a',
    'a-',
    'a--b',
    '1a',
    'ä',
    'a"; drop schema public',
    '__proto__',
  ])('refuses the id %j', (id) => {
    expect(problemsOf([{ id }])[0]).toMatch(/^PLUGIN_ID_INVALID/);
  });

  it('counts the bytes of a schema name with its prefix', () => {
    expect(problemsOf([{ id: 'x'.repeat(56) }])).toEqual([]);
    expect(problemsOf([{ id: 'x'.repeat(57) }])[0]).toMatch(/^SCHEMA_NAME_TOO_LONG/);
    expect(problemsOf([{ id: 'x'.repeat(57) }], { schemaPrefix: 'p_' })).toEqual([]);
  });

  it('lets a core service stand under its own name, and nothing else', () => {
    const { logger, database } = coreServices;
    expect(problemsOf([{ id: 'a', deps: { logger, database, log: logger } }])).toEqual([]);
    for (const key of ['database', 'schema']) {
      expect(problemsOf([{ id: 'a', deps: { [key]: logger } }])).toEqual([
        `DEP_KEY_RESERVED: a uses the key ${key} for a dependency, but init has it already`,
      ]);
    }
    expect(
      problemsOf([
        { id: 'a', provides: { signal: authApi } },
        { id: 'b', provides: { x: catalogApi }, deps: { x: authApi } },
      ]),
    ).toEqual([
      'DEP_KEY_RESERVED: a uses the key signal for an export, but init has it already',
      'DEP_KEY_RESERVED: b uses the key x for an export, but a dependency has it already',
    ]);
  });
});
