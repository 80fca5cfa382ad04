import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import vm from 'node:vm';
import { expect } from 'vitest';
import { writeMermaidGantt } from '../../../src/insight/exports/mermaid-gantt.ts';
import { writeMermaidGraph } from '../../../src/insight/exports/mermaid-graph.ts';
import type { Story } from '../../../src/insight/story.ts';

interface Mermaid {
  parse(text: string): Promise<{ readonly diagramType: string; readonly config: object }>;
}

/** The part of a browser that Mermaid looks for before it parses. It sanitizes nothing, because nothing is drawn. */
function makePage(): Record<string, unknown> {
  class Element {
    readonly nodeType = 1;
  }
  const document = {
    nodeType: 9,
    implementation: {},
    addEventListener: () => {},
    createElement: () => ({}),
  };
  const page: Record<string, unknown> = { document, Element, Node: Element, console, setTimeout };
  page['window'] = page;
  page['addEventListener'] = () => {};
  page['structuredClone'] = structuredClone;
  page['URL'] = URL;
  return page;
}

/** The parser of Mermaid itself. Its package is a script for browsers, so it runs in a context of its own. */
function loadMermaid(): Mermaid {
  const page = vm.createContext(makePage());
  const script = createRequire(import.meta.url).resolve('@mermaid-js/tiny');
  vm.runInContext(readFileSync(script, 'utf8'), page);
  return page['mermaid'] as Mermaid;
}

const mermaid = loadMermaid();
/** The limits of its default settings. */
const mostCharacters = 50_000;
export const mostEdges = 500;
export const arrows = /^ {2}n\d+ (?:-->|==>|-\.->) n\d+$/gm;

/** Checks that Mermaid itself accepts both diagrams of a story, within the limits of its default settings. */
export async function expectToParse(story: Story): Promise<void> {
  const gantt = writeMermaidGantt(story);
  const graph = writeMermaidGraph(story);
  // A name could bring settings of its own: %%{init: …}%%.
  expect(await mermaid.parse(gantt)).toEqual({ diagramType: 'gantt', config: {} });
  expect(await mermaid.parse(graph)).toEqual({ diagramType: 'flowchart-v2', config: {} });
  expect(gantt.length).toBeLessThanOrEqual(mostCharacters);
  expect(graph.length).toBeLessThanOrEqual(mostCharacters);
  expect(graph.match(arrows)?.length ?? 0).toBeLessThanOrEqual(mostEdges);
}
