import type { Story } from '../story.ts';
import { writeDot } from './dot.ts';
import { writeMarkdown } from './markdown.ts';
import { writeMermaidGantt } from './mermaid-gantt.ts';
import { writeMermaidGraph } from './mermaid-graph.ts';
import { writeOtlp } from './otlp.ts';
import { writeSvg } from './svg.ts';
import { writeTrace } from './trace.ts';

/** One name, one document: so the two diagrams of Mermaid are two formats, and no format has options. */
const writers = {
  trace: writeTrace,
  otlp: writeOtlp,
  markdown: writeMarkdown,
  mermaid: writeMermaidGantt,
  'mermaid-graph': writeMermaidGraph,
  dot: writeDot,
  svg: writeSvg,
} as const satisfies Record<string, (story: Story) => string>;

/**
 * The format of an export: a Chrome trace for Perfetto, OTLP/JSON for a collector, Markdown, a gantt or the graph for Mermaid,
 * the graph for Graphviz, a picture.
 */
export type ExportFormat = keyof typeof writers;

/** The names of all formats. */
export const exportFormats = Object.keys(writers) as readonly ExportFormat[];

/**
 * Writes the story of a boot in a format that other programs open. The boot may have ended, go on, hang, or be cut off; what goes
 * on ends now.
 *
 * @throws Error when the format is unknown
 * @example writeFileSync('boot.svg', exportStory(story, 'svg'))
 */
export function exportStory(story: Story, to: ExportFormat): string {
  // The format may come from a command line.
  if (Object.hasOwn(writers, to)) return writers[to](story);
  const unknown: string = to;
  throw new Error(`Expected the format to be one of ${exportFormats.join(', ')}, got ${unknown}`);
}
