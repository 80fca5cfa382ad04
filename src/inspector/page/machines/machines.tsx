import { useMemo, useRef, useState } from 'preact/hooks';
import type { ViewProps } from '../view-props.ts';
import { Line } from '../chart/chart-line.tsx';
import { drawCorners, findNext, styleBox } from '../chart/chart-place.ts';
import { useSize } from '../chart/chart-size.ts';
import { MachineCard } from './machine-card.tsx';
import { describeMachine, describeState } from './machine-text.ts';
import { findLitState, findPlace, replayRecords, type MachineHistory } from './machine-history.ts';
import { writeEvent } from './machine-layout.ts';
import { layoutRows, nameNode, type MachineRow, type RowLayout } from './machine-rows.ts';
import './machines.css';

/** The state that is pointed at, or the transition from it. */
interface Hint {
  readonly machine: string;
  readonly state: string;
  readonly to?: string;
}

/** The statecharts of the boot, each from left to right, with the way that each machine has gone. */
export function Machines({ boot, shown: { latestBoot } }: ViewProps) {
  if (boot.machines.length === 0 || !latestBoot?.machineRecords.length) {
    return <p class="machines-none">This recording has no records of the machines.</p>;
  }
  return <Charts story={boot} />;
}

function Charts({ story }: Pick<ViewProps, 'story'>) {
  const pane = useRef<HTMLDivElement>(null);
  const room = useSize(pane);
  const wide = useMemo(() => layoutRows(story.machines), [story.machines]);
  const isNarrow = room.width > 0 && room.width < wide.width;
  const layout = useMemo(
    () => (isNarrow ? layoutRows(story.machines, true) : wide),
    [wide, isNarrow],
  );
  const histories = replayRecords(story.machineRecords);
  const [hint, setHint] = useState<Hint>();
  const [stop, setStop] = useState<string>();
  const chart = useRef<HTMLDivElement>(null);
  const tabStop = stop ?? findTabStop(layout, histories);
  const focus = (node: string | undefined): void => {
    const found = [...(chart.current?.querySelectorAll<HTMLElement>('[data-node]') ?? [])];
    found.find(({ dataset }) => dataset['node'] === node)?.focus();
  };
  const move = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') setHint(undefined);
    const next = findNext(layout.places, tabStop, event.key);
    if (next === undefined) return;
    event.preventDefault();
    focus(next);
  };
  const hinted = layout.rows.find(({ machine }) => machine.id === hint?.machine);
  return (
    <div class="machines-pane" ref={pane}>
      <div
        class="machines"
        ref={chart}
        style={styleBox({ width: layout.width, height: layout.height })}
        onKeyDown={move}
      >
        <svg class="machines-lines" width={layout.width} height={layout.height} aria-hidden="true">
          {layout.links.map((points) => (
            <path
              key={points.map(({ x, y }) => `${x} ${y}`).join()}
              class="machines-link"
              d={drawCorners(points)}
            />
          ))}
          {layout.rows.map((row) => (
            <Edges
              key={row.machine.id}
              row={row}
              history={histories.get(row.machine.id)}
              isNarrow={isNarrow}
              show={setHint}
            />
          ))}
        </svg>
        {layout.rows.map((row) => {
          const { machine, title } = row;
          const history = histories.get(machine.id);
          const parent = findPlace(story.machines, history) ?? row.parent;
          const isAgain = history !== undefined && history.run > 1;
          return (
            <section key={machine.id} aria-label={`Machine ${machine.id}`}>
              <h2 class="machines-title" style={styleBox(title)}>
                {machine.id}{' '}
                <span>
                  {parent && `in ${parent.machine}.${parent.state}`}
                  {isAgain && `, run ${history.run}`}
                  {parent && ': '}
                  {describeMachine(history, story.nowMs)}
                </span>
              </h2>
              {row.states.map(({ state, place }) => {
                const node = nameNode(machine.id, state.name);
                const { text, mark, kind, words } = describeState(state, history, story.nowMs);
                const isHinted = hint?.machine === machine.id && hint.state === state.name;
                return (
                  <button
                    key={state.name}
                    type="button"
                    class={`machine-state is-${kind} ${state.isFinal ? 'is-end' : ''}`}
                    style={styleBox(place)}
                    data-node={node}
                    tabIndex={node === tabStop ? 0 : -1}
                    aria-describedby={isHinted ? 'machine-card' : undefined}
                    onPointerEnter={() => setHint({ machine: machine.id, state: state.name })}
                    onPointerLeave={() => setHint(undefined)}
                    onFocus={() => {
                      setStop(node);
                      setHint({ machine: machine.id, state: state.name });
                    }}
                    onBlur={() => setHint(undefined)}
                  >
                    <span class="state-name">
                      <span aria-hidden="true">{mark}</span> {state.name}
                    </span>
                    {text !== '' && <span class="state-times">{text}</span>}
                    <span class="unseen">{words}</span>
                  </button>
                );
              })}
            </section>
          );
        })}
        {hint && hinted && (
          <div class="machine-card" id="machine-card" style={placeCard(layout, hinted, hint.state)}>
            <MachineCard
              machine={hinted.machine}
              state={hint.state}
              to={hint.to}
              history={histories.get(hint.machine)}
              nowMs={story.nowMs}
            />
          </div>
        )}
      </div>
    </div>
  );
}

interface EdgesProps {
  readonly row: MachineRow;
  readonly history: MachineHistory | undefined;
  readonly isNarrow: boolean;
  readonly show: (hint: Hint | undefined) => void;
}

/** The transitions of a machine; those that were taken stand over the others. */
function Edges({ row: { machine, edges }, history, isNarrow, show }: EdgesProps) {
  const ranked = edges
    .map((edge) => ({ edge, trace: history?.traces.get(edge.name) }))
    .toSorted((a, b) => (a.trace?.atMs ?? -1) - (b.trace?.atMs ?? -1));
  return (
    <g>
      {ranked.map(({ edge, trace }) => {
        const { name, from, to, points, label } = edge;
        const kind = `${trace ? 'is-taken' : ''} ${history?.lastEdge === name ? 'is-last' : ''}`;
        return (
          <g key={name}>
            <Line
              path={drawCorners(points)}
              points={points}
              kind={kind}
              onEnter={() => show({ machine: machine.id, state: from, to })}
              onLeave={() => show(undefined)}
            />
            {trace && (
              <text class={`machines-event is-${label.anchor} ${kind}`} x={label.x} y={label.y}>
                {writeEvent(trace.event, isNarrow)}
                {trace.count > 1 && ` ${trace.count}×`}
              </text>
            )}
          </g>
        );
      })}
    </g>
  );
}

/** The innermost state that is current. */
function findTabStop({ rows }: RowLayout, histories: ReadonlyMap<string, MachineHistory>): string {
  const lit = rows.flatMap(({ machine: { id } }) => {
    const state = findLitState(histories.get(id));
    return state === undefined ? [] : [nameNode(id, state)];
  });
  const [first] = rows;
  return lit.at(-1) ?? nameNode(first?.machine.id ?? '', first?.machine.initial ?? '');
}

const cardWidth = 460;

/** The card stands below its state, or above it in the lower half. */
function placeCard(layout: RowLayout, { machine }: MachineRow, state: string) {
  const place = layout.places.get(nameNode(machine.id, state));
  if (!place) return {};
  const left = `${Math.max(0, Math.min(place.x, layout.width - cardWidth))}px`;
  return place.y > layout.height / 2
    ? { left, bottom: `${layout.height - place.y + 8}px` }
    : { left, top: `${place.y + place.height + 8}px` };
}
