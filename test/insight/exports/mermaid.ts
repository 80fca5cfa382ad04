import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import vm from 'node:vm';

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
export function loadMermaid(): Mermaid {
  const page = vm.createContext(makePage());
  const script = createRequire(import.meta.url).resolve('@mermaid-js/tiny');
  vm.runInContext(readFileSync(script, 'utf8'), page);
  return page['mermaid'] as Mermaid;
}
