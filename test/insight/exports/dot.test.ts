import { spawnSync } from 'node:child_process';
import parseDot from 'dotparser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeDot } from '../../../src/insight/exports/dot.ts';
import { storyOf, type Story } from '../../../src/insight/story.ts';
import { runStaged } from '../staged-boot.ts';
import {
  anyStory,
  hostileNames,
  makeHostile,
  rename,
  stage,
  tell,
  tellExample,
  tellMany,
} from './stories.ts';

function expectToParse(story: Story) {
  const [graph, ...others] = parseDot(writeDot(story));
  expect(others).toEqual([]);
  const statements = graph?.children ?? [];
  const nodes = statements.filter(({ type }) => type === 'node_stmt');
  const edges = statements.filter(({ type }) => type === 'edge_stmt');
  expect(nodes).toHaveLength(story.record.plugins.length);
  expect(statements).toHaveLength(nodes.length + edges.length + 3);
  return { nodes, edges };
}

/** Draws with Graphviz itself, where it is installed. */
function draw(dot: string): { readonly status: number | null; readonly stderr: string } {
  return spawnSync('dot', ['-Tsvg'], { input: dot, encoding: 'utf8' });
}

describe('the graph for Graphviz', () => {
  it('is what a parser of DOT accepts, for every boot and at every moment', async () => {
    await fc.assert(
      fc.asyncProperty(anyStory, async ({ boot, untilMs }) => {
        expectToParse(await tell(boot, untilMs));
      }),
      { numRuns: 30 },
    );
  });

  it('has the state of each plugin in its shape, and the reason of each edge', async () => {
    const told = await runStaged(stage([{}, { needs: [0], init: 'failed' }, { after: [1] }]));
    const story = storyOf({
      ...told,
      events: told.events.map((event) =>
        event.type === 'graph.sorted'
          ? {
              ...event,
              edges: event.edges.map((edge) => ({ ...edge, reason: `${edge.to} needs "it"` })),
            }
          : event,
      ),
    });
    expect(writeDot(story)).toMatchInlineSnapshot(`
      "digraph boot {
        graph [rankdir=LR, labelloc=t, fontname="Helvetica", label="The boot failed after 85ms: init of p1 failed"];
        node [fontname="Helvetica", fontsize=11];
        edge [fontname="Helvetica", fontsize=9, color="#59636e"];
        "p0" [label="p0\\ndid not get ready: p1 failed", shape=box, style="dashed,filled", fillcolor="#eaeef2", color="#59636e", fontname="Helvetica-Bold", penwidth=3];
        "p1" [label="p1\\nfailed to start", shape=octagon, style=filled, fillcolor="#ffdce0", color="#cf222e", fontname="Helvetica-Bold", penwidth=3];
        "p2" [label="p2\\ndid not start: p1 failed", shape=box, style="dashed,filled", fillcolor="#eaeef2", color="#59636e"];
        "p0" -> "p1" [tooltip="p1 needs \\"it\\"", label="p1 needs \\"it\\"", penwidth=3, color="#bf3989"];
        "p1" -> "p2" [tooltip="p2 needs \\"it\\"", label="p2 needs \\"it\\"", style=dashed];
      }
      "
    `);
  });

  it('is valid whatever the names are', async () => {
    const told = await runStaged(stage([{ init: 'failed' }, { needs: [0] }]));
    for (const name of hostileNames) expectToParse(storyOf(makeHostile(told, name)));
    for (const id of ['node', 'edge', 'graph', 'subgraph', 'strict', 'digraph']) {
      expectToParse(storyOf(rename(told, 'p0', id)));
    }
  });

  it('has every plugin of a large boot', async () => {
    const { nodes, edges } = expectToParse(await tellMany(300));
    expect(nodes).toHaveLength(300);
    expect(edges.length).toBeGreaterThan(300);
  });

  // In CI it is installed: there the test fails without it.
  const isInstalled =
    spawnSync('dot', ['-V']).error === undefined || process.env['CI'] !== undefined;
  it.skipIf(!isInstalled)('is drawn by Graphviz (skipped where it is not installed)', async () => {
    const told = await runStaged(stage([{ init: 'failed' }, { needs: [0] }]));
    const stories = hostileNames.map((name) => storyOf(makeHostile(told, name)));
    for (const story of [await tellExample(), ...stories]) {
      expect(draw(writeDot(story))).toMatchObject({ status: 0, stderr: '' });
    }
  });
});
