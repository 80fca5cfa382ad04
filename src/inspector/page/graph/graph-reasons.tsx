import type { GraphEdge } from '../../../core/events.ts';
import type { GraphLink } from './graph-layers.ts';

interface ReasonsProps {
  readonly edges: readonly GraphEdge[];
  readonly selected: string;
  readonly select: (plugin: string) => void;
  /** Marks an edge in the graph. */
  readonly point: (link: GraphLink | undefined) => void;
}

/** The edges of the selected plugin with their reasons: a way to its neighbours, also to those that are not drawn. */
export function GraphReasons({ edges, selected, select, point }: ReasonsProps) {
  const before = edges.filter(({ to }) => to === selected);
  const after = edges.filter(({ from }) => from === selected);
  const describe = ({ kind, reason, from, to }: GraphEdge): string =>
    reason || (kind === 'needs' ? `${to} needs ${from}` : `${to} comes after ${from}`);
  const list = (title: string, none: string, found: readonly GraphEdge[], end: 'from' | 'to') => (
    <section aria-label={title}>
      <h2>
        {title} <span>{found.length}</span>
      </h2>
      {found.length === 0 && <p>{none}</p>}
      <ul>
        {found.map((edge) => (
          <li key={`${edge[end]} ${edge.kind} ${edge.reason}`}>
            <button
              type="button"
              onClick={() => select(edge[end])}
              onFocus={() => point(edge)}
              onBlur={() => point(undefined)}
              onPointerEnter={() => point(edge)}
              onPointerLeave={() => point(undefined)}
            >
              {edge[end]}
            </button>
            : {describe(edge)}
          </li>
        ))}
      </ul>
    </section>
  );
  return (
    <div class="graph-reasons">
      {list(`Before ${selected}`, 'It waits for no other plugin.', before, 'from')}
      {list(`After ${selected}`, 'No other plugin waits for it.', after, 'to')}
    </div>
  );
}
