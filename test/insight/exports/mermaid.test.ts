import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeMermaidGantt } from '../../../src/insight/exports/mermaid-gantt.ts';
import { writeMermaidGraph } from '../../../src/insight/exports/mermaid-graph.ts';
import { storyOf, type Story } from '../../../src/insight/story.ts';
import { runStaged } from '../staged-boot.ts';
import { arrows, expectToParse, mostEdges } from './mermaid.ts';
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

describe('the diagrams for Mermaid', () => {
  let many: Story;
  beforeAll(async () => {
    many = await tellMany(300);
  });

  it('are what the parser of Mermaid accepts, for every boot and at every moment', async () => {
    await fc.assert(
      fc.asyncProperty(anyStory, async ({ boot, untilMs }) => {
        await expectToParse(await tell(boot, untilMs));
      }),
      { numRuns: 30 },
    );
  });

  it('are valid whatever the names are, keywords of Mermaid too', async () => {
    const told = await runStaged(
      stage([{ files: [[3]], lockedForMs: 9, migrate: 'failed' }, { needs: [0] }]),
    );
    for (const name of hostileNames) await expectToParse(storyOf(makeHostile(told, name)));
    for (const id of ['end', 'section', 'title', 'graph', 'click', 'subgraph', 'default', 'done']) {
      await expectToParse(storyOf(rename(told, 'p0', id)));
    }
  });

  it('show a boot as a gantt', async () => {
    expect(writeMermaidGantt(await tellExample())).toMatchInlineSnapshot(`
      "gantt
        title 2 of 4 plugins are up after 254ms - p3 did not start because init of p2 failed
        dateFormat x
        axisFormat %S.%L
        section migrate
          migrate p0 :crit, done, 38, 117
          migrate p1 :crit, done, 117, 208
          migrate p1 waits for its lock :crit, 119, 185
          migrate p1 waits for the next attempt :crit, 193, 200
        section init
          init p0 :crit, done, 209, 224
          init p1 :crit, done, 224, 244
          init p2 failed :224, 236
        section ready
          ready p0 :crit, done, 244, 249
          ready p1 :crit, done, 249, 254
      "
    `);
  });

  it('show the graph as a flowchart', async () => {
    expect(writeMermaidGraph(await tellExample())).toMatchInlineSnapshot(`
      "flowchart LR
        classDef up fill:#dafbe1,stroke:#1a7f37,color:#0b3d1c
        classDef failed fill:#ffdce0,stroke:#cf222e,color:#67060c,stroke-width:3px
        classDef lost fill:#eaeef2,stroke:#59636e,color:#1f2328,stroke-dasharray:4 3
        n0("p0<br/>is up"):::up
        n1("p1<br/>is up"):::up
        n2{{"p2<br/>failed to start"}}:::failed
        n3[/"p3<br/>did not start - p2 failed"/]:::lost
        n0 ==> n1
        n2 --> n3
        n0 -.-> n2
      "
    `);
  });

  it('have a part of a large boot, and say so', async () => {
    await expectToParse(many);
    const gantt = writeMermaidGantt(many);
    expect(gantt).toMatch(/title .* \(\d+ of 300 plugins which are the critical chain/);
    expect(gantt).toMatch(/:crit, /);
    const graph = writeMermaidGraph(many);
    expect(graph.match(/:::up$/gm)?.length).toBeLessThanOrEqual(120);
    expect(graph).toMatch(/note\["\d+ of 300 plugins/);
    expect(graph).toContain('==>');
  });

  it('have at most 500 edges', async () => {
    const plugins = Array.from({ length: 60 }, (_, at) => ({
      needs: Array.from({ length: at }, (__, earlier) => earlier),
    }));
    const story = await tell(stage(plugins));
    await expectToParse(story);
    expect(writeMermaidGraph(story).match(arrows)).toHaveLength(mostEdges);
    expect(writeMermaidGraph(story)).toContain('500 of 1770 edges');
  });
});
