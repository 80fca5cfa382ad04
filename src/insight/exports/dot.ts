import { cutText, printable } from '../../core/printable.ts';
import { headline } from '../headline.ts';
import { describeStatus, writeStatus } from '../status.ts';
import type { Story } from '../story.ts';
import {
  chooseNeighbourhood,
  readNodeState,
  type JoinedEdge,
  type NodeState,
} from './neighbourhood.ts';

/** A shape for each state, for readers who do not see its colour. */
const looks: Readonly<Record<NodeState, string>> = {
  up: 'shape=box, style="rounded,filled", fillcolor="#dafbe1", color="#1a7f37"',
  failed: 'shape=octagon, style=filled, fillcolor="#ffdce0", color="#cf222e"',
  lost: 'shape=box, style="dashed,filled", fillcolor="#eaeef2", color="#59636e"',
  open: 'shape=box, style=filled, fillcolor="#ddf4ff", color="#0969da"',
  disabled: 'shape=note, style=filled, fillcolor="#f6f8fa", color="#8c959f"',
};

const before = 'shape=box, style=dotted, fontcolor="#59636e", color="#8c959f"';

/** In a larger graph the reasons of the edges are tooltips only. */
const mostWithReasons = 60;

/**
 * Writes the graph in the language of Graphviz: plugins by their state, edges with their reasons, the critical chain in bold.
 * `dot -Tsvg` draws it.
 */
export function writeDot(story: Story): string {
  const { plugins, edges, upBefore, chain } = chooseNeighbourhood(
    story,
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  );
  const withReasons = edges.length <= mostWithReasons;
  const nodes = plugins.map((plugin) => {
    const text = writeStatus(describeStatus(story.times, plugin));
    const label = quote([plugin.id, text].filter(Boolean).join('\n'));
    const bold = chain.has(plugin.id) ? ', fontname="Helvetica-Bold", penwidth=3' : '';
    return `  ${quote(plugin.id)} [label=${label}, ${looks[readNodeState(plugin)]}${bold}];`;
  });
  return [
    'digraph boot {',
    `  graph [rankdir=LR, labelloc=t, fontname="Helvetica", label=${quote(headline(story))}];`,
    '  node [fontname="Helvetica", fontsize=11];',
    '  edge [fontname="Helvetica", fontsize=9, color="#59636e"];',
    ...upBefore.map((id) => `  ${quote(id)} [label=${quote(`${id}\nwas up before`)}, ${before}];`),
    ...nodes,
    ...edges.map((edge) => writeEdge(edge, withReasons)),
    '}',
    '',
  ].join('\n');
}

function writeEdge(
  { from, to, kind, reasons, isCritical }: JoinedEdge,
  withReason: boolean,
): string {
  const reason = reasons.join('\n');
  const facts = [
    ...(reason === '' ? [] : [`tooltip=${quote(reason)}`]),
    ...(reason !== '' && withReason ? [`label=${quote(reason)}`] : []),
    ...(kind === 'order' ? ['style=dashed'] : []),
    ...(isCritical ? ['penwidth=3', 'color="#bf3989"'] : []),
  ];
  return `  ${quote(from)} -> ${quote(to)}${facts.length === 0 ? '' : ` [${facts.join(', ')}]`};`;
}

/** A quoted string. A backslash would begin an escape such as `\N`, and an `&` an entity of HTML. */
function quote(text: string): string {
  const escaped = printable(cutText(text, 500))
    .replaceAll(/[\p{Surrogate}\uFFFE\uFFFF]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n');
  return `"${escaped}"`;
}
