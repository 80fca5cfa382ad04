import type { Boot, BootOptions } from '../../index.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { GraphDocument } from '../documents.ts';
import { withBoot } from '../load-config.ts';

export async function run({ options, output }: Input<CommandOf<'graph'>>): Promise<void> {
  const { format, config } = options;
  const graph = await withBoot(config, readGraph, withoutDatabase);
  const { plugins, edges } = graph;
  if (format === 'dot') return output.print(writeDot(graph));
  if (format === 'mermaid') return output.print(writeMermaid(graph));
  printAnswer(output, { json: format === 'json' }, graph, (page) => {
    page.list(
      plugins.map((id) => {
        const reasons = edges
          .filter(({ to }) => to === id)
          .map(({ reason }) => reason.replace(`${id} `, ''));
        return [id, reasons.join('; ')];
      }),
    );
  });
}

/** The registry is a table. Nothing is recorded or logged of a boot that is not meant. */
function withoutDatabase({
  logger: _logger,
  record: _record,
  ...options
}: BootOptions): BootOptions {
  return { ...options, registry: false };
}

/** Begins a boot, and stops it when its plugins are sorted: until then it needs no database. */
async function readGraph(boot: Boot): Promise<GraphDocument> {
  let graph: GraphDocument | undefined;
  boot.once('graph.sorted', ({ order: plugins, edges }) => {
    graph = { format: 'slipway.graph/1', plugins, edges };
    void boot.stop('its graph is known');
  });
  try {
    await boot.start();
  } catch (error) {
    if (!graph) throw error;
  }
  return graph ?? { format: 'slipway.graph/1', plugins: [], edges: [] };
}

function writeDot({ plugins, edges }: GraphDocument): string {
  const lines = [
    ...plugins.map((id) => `  ${JSON.stringify(id)};`),
    ...edges.map(
      ({ from, to, kind, reason }) =>
        `  ${JSON.stringify(from)} -> ${JSON.stringify(to)} [tooltip=${JSON.stringify(reason)}${kind === 'order' ? ', style=dashed' : ''}];`,
    ),
  ];
  return `digraph plugins {\n  node [shape=box, fontname="Helvetica"];\n${lines.join('\n')}\n}`;
}

/** `end` is a word of Mermaid, so no plugin is its own id there. */
function writeMermaid({ plugins, edges }: GraphDocument): string {
  const place = new Map(plugins.map((id, at) => [id, `p${at}`]));
  const lines = [
    ...plugins.map((id) => `  ${place.get(id)}["${id}"]`),
    ...edges.map(
      ({ from, to, kind }) =>
        `  ${place.get(from)} ${kind === 'order' ? '-.->' : '-->'} ${place.get(to)}`,
    ),
  ];
  return ['graph TD', ...lines].join('\n');
}
