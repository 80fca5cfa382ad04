import type { GraphEdge } from '../../../core/events.ts';
import type { ViewProps } from '../view-props.ts';
import { Band, Linked, Section } from '../parts.tsx';

interface OrderProps extends Pick<ViewProps, 'story' | 'select'> {
  readonly id: string;
}

/** The plugins that come first, and those that come after, each with the reason. */
export function Order({ story: { record }, id, select }: OrderProps) {
  const before = record.edges.filter(({ to }) => to === id);
  const after = record.edges.filter(({ from }) => from === id);
  return (
    <>
      <Edges title="Comes after" edges={before} end="from" select={select} />
      <Edges title="Comes before" edges={after} end="to" select={select} />
    </>
  );
}

interface EdgesProps extends Pick<ViewProps, 'select'> {
  readonly title: string;
  readonly edges: readonly GraphEdge[];
  readonly end: 'from' | 'to';
}

function Edges({ title, edges, end, select }: EdgesProps) {
  if (edges.length === 0) return null;
  return (
    <Section title={title}>
      <Band of={edges} most={8}>
        {(edge) => (
          <li key={`${edge[end]} ${edge.reason}`}>
            <Linked text={edge.reason} plugin={edge[end]} select={select} />
          </li>
        )}
      </Band>
    </Section>
  );
}
