import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { chooseNeighbourhood, type JoinedEdge } from '../../../insight/exports/neighbourhood.ts';
import type { ViewProps } from '../view-props.ts';
import { Line } from '../chart/chart-line.tsx';
import { drawCurve, findNext, styleBox } from '../chart/chart-place.ts';
import { useSize } from '../chart/chart-size.ts';
import type { GraphLink } from './graph-layers.ts';
import { layoutGraph, nameLink, type GraphLayout } from './graph-layout.ts';
import { describeNode, measureNodes, nodeHeight, shortenName } from './graph-node.ts';
import { leaveOutImplied } from './graph-order.ts';
import { GraphReasons } from './graph-reasons.tsx';
import './graph.css';

const mostPlugins = 60;
const mostEdges = 240;
/** A smaller text cannot be read. */
const smallestScale = 0.9;
const largestScale = 1.3;

/** The plugins and the order between them, with what each of them does now. */
export function Graph({ story, selected, select }: ViewProps) {
  const { record } = story;
  if (record.plugins.length === 0 || record.findPhase('sort')?.endMs === undefined) {
    return (
      <p class="graph-none">
        The graph is not sorted yet. {record.plugins.length} plugins are found so far.
      </p>
    );
  }
  return <Drawing story={story} selected={selected} select={select} />;
}

type DrawingProps = Pick<ViewProps, 'story' | 'selected' | 'select'>;

function Drawing({ story, selected, select }: DrawingProps) {
  const { edges: all, plugins: known } = story.record;
  const chosen = useRef<{ readonly around: string | undefined; readonly ids: Set<string> }>(
    undefined,
  );
  const kept = chosen.current?.around === selected ? chosen.current?.ids : undefined;
  const part = chooseNeighbourhood(story, mostPlugins, mostEdges, {
    around: selected === undefined ? [] : [selected],
    ...(kept && { kept }),
  });
  const { plugins, upBefore, chain } = part;
  const edges = useDrawn(part.edges);
  chosen.current = { around: selected, ids: new Set(plugins.map(({ id }) => id)) };
  // States change at every moment, but places only with the plugins and edges that are drawn.
  const ids = [...upBefore, ...plugins.map(({ id }) => id)];
  const width = measureNodes(ids);
  const shape = [...ids, '', ...edges.map(nameLink).toSorted()].join('\n');
  const layout = useMemo(() => layoutGraph(ids, edges, { width, height: nodeHeight }), [shape]);

  const [pointed, point] = useState<GraphLink>();
  const [near, setNear] = useState<string>();
  const [stop, setStop] = useState<string>();
  const chart = useRef<HTMLDivElement>(null);
  const pane = useRef<HTMLDivElement>(null);
  const scale = chooseScale(useSize(pane), layout);
  const tabStop = [stop, selected, ids[0]].find((id) => id !== undefined && layout.places.has(id));
  const find = (id: string | undefined): HTMLElement | undefined =>
    [...(chart.current?.querySelectorAll<HTMLElement>('[data-node]') ?? [])].find(
      ({ dataset }) => dataset['node'] === id,
    );
  useEffect(() => {
    setStop(undefined);
    find(selected)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [selected, layout]);
  const move = (event: KeyboardEvent): void => {
    if (tabStop === undefined) return;
    const next = findNext(layout.places, tabStop, event.key, findJoined(edges, tabStop));
    if (next === undefined) return;
    event.preventDefault();
    find(next)?.focus();
  };
  const isPointed = (edge: JoinedEdge): boolean =>
    pointed?.from === edge.from && pointed.to === edge.to;
  const hidden = known.length - plugins.length;
  const shown = edges.find(isPointed);
  const leftOut = part.edges.length - edges.length;
  const followed = leftOut > 0 && `, without ${leftOut} edges that follow from others`;

  return (
    <div class="graph">
      <div class="graph-key">
        {part.note === undefined ? (
          <span>
            {known.length} plugins{followed}
          </span>
        ) : (
          <span>
            {part.note}
            {followed}. {hidden > 0 && `${hidden} are hidden: select a neighbour to go on.`}
          </span>
        )}
        <Key kind="critical" text="critical chain" />
        <Key kind="needs" text="needs" />
        <Key kind="order" text="only the order" />
      </div>
      <div class="graph-pane" ref={pane}>
        <div
          class="graph-room"
          style={styleBox({ width: layout.width * scale, height: layout.height * scale })}
        >
          <div
            class="graph-chart"
            ref={chart}
            role="group"
            aria-label="Graph of the plugins. The arrow keys go from one to the next, Enter selects."
            style={{
              ...styleBox({ width: layout.width, height: layout.height }),
              transform: `scale(${scale})`,
            }}
            onKeyDown={move}
          >
            <svg width={layout.width} height={layout.height} aria-hidden="true">
              {edges
                .toSorted((a, b) => Number(a.isCritical) - Number(b.isCritical))
                .map((edge) => {
                  const points = layout.lines.get(nameLink(edge)) ?? [];
                  const isNear = edge.from === near || edge.to === near || isPointed(edge);
                  return (
                    <Line
                      key={nameLink(edge)}
                      path={drawCurve(points)}
                      points={points}
                      kind={`is-${edge.kind} ${edge.isCritical ? 'is-critical' : ''} ${isNear ? 'is-near' : ''}`}
                      onEnter={() => point(edge)}
                      onLeave={() => point(undefined)}
                    />
                  );
                })}
            </svg>
            {upBefore.map((id) => {
              const place = layout.places.get(id);
              return (
                <button
                  key={id}
                  type="button"
                  class="graph-node is-before"
                  style={place && styleBox(place)}
                  title={`${id}: was up before this launch`}
                  data-node={id}
                  tabIndex={id === tabStop ? 0 : -1}
                  onClick={() => select(id)}
                  onFocus={() => setStop(id)}
                >
                  <span class="node-mark" aria-hidden="true">
                    ✓
                  </span>
                  <span class="node-name">{shortenName(id, width)}</span>
                  <span class="node-status">was up before</span>
                </button>
              );
            })}
            {plugins.map((plugin) => {
              const { id } = plugin;
              const place = layout.places.get(id);
              const { kind, mark, short, whole } = describeNode(story.times, plugin, width);
              const isOnChain = chain.has(id);
              return (
                <button
                  key={id}
                  type="button"
                  class={`graph-node is-${kind} ${isOnChain ? 'is-chain' : ''}`}
                  style={place && styleBox(place)}
                  title={`${id}: ${whole}`}
                  data-node={id}
                  tabIndex={id === tabStop ? 0 : -1}
                  aria-pressed={id === selected}
                  onClick={() => select(id)}
                  onFocus={() => {
                    setStop(id);
                    setNear(id);
                  }}
                  onBlur={() => setNear(undefined)}
                  onPointerEnter={() => setNear(id)}
                  onPointerLeave={() => setNear(undefined)}
                >
                  <span class="node-mark" aria-hidden="true">
                    {mark}
                  </span>
                  <span class="node-name">{shortenName(id, width)}</span>
                  <span class="node-status">{short}</span>
                  {isOnChain && <span class="unseen">on the critical chain</span>}
                </button>
              );
            })}
            {shown && <Reason edge={shown} layout={layout} />}
          </div>
        </div>
      </div>
      {selected !== undefined && (
        <GraphReasons edges={all} selected={selected} select={select} point={point} />
      )}
    </div>
  );
}

/** The edges to draw: which ones follow from others is found out once. */
function useDrawn(edges: readonly JoinedEdge[]): readonly JoinedEdge[] {
  const key = edges.map((edge) => `${nameLink(edge)} ${edge.isCritical}`).join('\n');
  return useMemo(() => leaveOutImplied(edges), [key]);
}

function Key({ kind, text }: { readonly kind: string; readonly text: string }) {
  return (
    <span class="graph-key-sample">
      <svg width="26" height="8" aria-hidden="true">
        <g class={`chart-line is-${kind}`}>
          <path class="chart-stroke" d="M0 4H26" />
        </g>
      </svg>{' '}
      {text}
    </span>
  );
}

/** The reasons of the edge that is pointed at, in its middle. */
function Reason({ edge, layout }: { readonly edge: JoinedEdge; readonly layout: GraphLayout }) {
  const points = layout.lines.get(nameLink(edge)) ?? [];
  const middle = points[Math.floor(points.length / 2)];
  const reasons = edge.reasons.length > 0 ? edge.reasons : [`${edge.to} comes after ${edge.from}`];
  return (
    <div class="graph-reason" aria-hidden="true" style={middle && styleBox(middle)}>
      {reasons.map((reason) => (
        <div key={reason}>{reason}</div>
      ))}
    </div>
  );
}

function findJoined(edges: readonly JoinedEdge[], id: string): ReadonlySet<string> {
  return new Set(edges.flatMap(({ from, to }) => (from === id ? to : to === id ? from : [])));
}

/** The whole graph fits into the pane, as long as it can be read; a small one gets larger. */
function chooseScale(
  room: { readonly width: number; readonly height: number },
  { width, height }: GraphLayout,
): number {
  if (room.width === 0) return 1;
  return Math.max(smallestScale, Math.min(largestScale, room.width / width, room.height / height));
}
