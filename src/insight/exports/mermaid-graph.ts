import { describeStatus, writeStatus } from '../status.ts';
import type { Story } from '../story.ts';
import { mostCharacters, writeName } from './mermaid-name.ts';
import {
  chooseNeighbourhood,
  readNodeState,
  type JoinedEdge,
  type NodeState,
} from './neighbourhood.ts';

const mostPlugins = 120;
const mostEdges = 500;

/** A shape for each state, for readers who do not see its colour. */
const shapes: Readonly<Record<NodeState, readonly [open: string, close: string]>> = {
  up: ['(', ')'],
  failed: ['{{', '}}'],
  lost: ['[/', '/]'],
  open: ['[', ']'],
  disabled: ['[[', ']]'],
};

/** Colours that can be read on a light and on a dark page. */
const classes: Readonly<Record<NodeState, string>> = {
  up: 'fill:#dafbe1,stroke:#1a7f37,color:#0b3d1c',
  failed: 'fill:#ffdce0,stroke:#cf222e,color:#67060c,stroke-width:3px',
  lost: 'fill:#eaeef2,stroke:#59636e,color:#1f2328,stroke-dasharray:4 3',
  open: 'fill:#ddf4ff,stroke:#0969da,color:#0a3069',
  disabled: 'fill:#f6f8fa,stroke:#8c959f,color:#59636e',
};

const before = 'fill:none,stroke:#8c959f,color:#59636e,stroke-dasharray:2 3';

/**
 * Writes the graph as a Mermaid flowchart: solid arrows for what is needed, dotted ones for mere order, thick ones for the
 * critical chain. Of more than 120 plugins or 500 edges a part is drawn, with a node that says so.
 */
export function writeMermaidGraph(story: Story): string {
  const { plugins, edges, upBefore, note } = chooseNeighbourhood(story, mostPlugins, mostEdges);
  // A plugin may be called `end`, which is a keyword of Mermaid: nodes are numbered.
  const ids = new Map(
    [...plugins.map(({ id }) => id), ...upBefore].map((id, at) => [id, `n${at}`]),
  );
  const states = new Map(plugins.map((plugin) => [plugin.id, readNodeState(plugin)]));
  const nodes = plugins.map((plugin) => {
    const { id } = plugin;
    const state = states.get(id) ?? 'open';
    const [open, close] = shapes[state];
    const text = writeStatus(describeStatus(story.times, plugin));
    const label = [writeName(id), writeName(text, 60)].filter(Boolean).join('<br/>');
    return `  ${ids.get(id)}${open}"${label}"${close}:::${state}`;
  });
  const arrows = edges.map(
    ({ from, to, ...edge }) => `  ${ids.get(from)} ${drawArrow(edge)} ${ids.get(to)}`,
  );
  const used = new Set(states.values());
  const styles = Object.entries(classes).filter(([state]) => used.has(state as NodeState));
  const lines = [
    'flowchart LR',
    ...(note === undefined ? [] : [`  note["${writeName(note, 120)}"]`]),
    ...styles.map(([state, style]) => `  classDef ${state} ${style}`),
    ...(upBefore.length > 0 ? [`  classDef before ${before}`] : []),
    ...upBefore.map((id) => `  ${ids.get(id)}["${writeName(id)}<br/>was up before"]:::before`),
    ...nodes,
    ...arrows,
  ];
  return `${fit(lines).join('\n')}\n`;
}

function drawArrow({ kind, isCritical }: Omit<JoinedEdge, 'from' | 'to'>): string {
  if (isCritical) return '==>';
  return kind === 'needs' ? '-->' : '-.->';
}

/** The last lines are the edges that matter least. */
function fit(lines: readonly string[]): readonly string[] {
  let room = mostCharacters - 100;
  return lines.filter((line) => (room -= line.length + 1) >= 0);
}
