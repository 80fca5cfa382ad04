import type { MachineDescription, StateDescription } from '../../src/core/machine-records.ts';
import { nameClass, svgClass, writeStyle } from '../../src/insight/exports/svg-style.ts';
import { escapeXml, measureText, wrapText } from '../../src/insight/exports/svg-text.ts';
import { drawCorners, type Place, type Point } from '../../src/inspector/page/chart/chart-place.ts';
import {
  layoutMachine,
  type MachineEdge,
} from '../../src/inspector/page/machines/machine-layout.ts';

const margin = 20;
/** The room for the arrow to the first state. */
const before = 26;
const labelSize = 11;
/** `measureText()` is about the widest font: a label takes at most this part of it. */
const tightness = 0.9;

/** A machine as an SVG picture that follows the light or dark theme of its reader. */
export function drawMachine(machine: MachineDescription): string {
  const { width, height, places, edges } = layoutMachine(withLabels(machine));
  const size = {
    width: Math.ceil(width + before + 2 * margin),
    height: Math.ceil(height + 2 * margin),
  };
  const { width: w, height: h } = size;
  const first = places.get(machine.initial);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="${svgClass}" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img">`,
    `<title>${escapeXml(describe(machine))}</title>`,
    writeStyle(),
    `<rect width="${w}" height="${h}" class="${nameClass('back')}"/>`,
    `<g transform="translate(${margin + before} ${margin})">`,
    ...(first ? [drawBeginning(first)] : []),
    ...edges.map(({ points }) => drawArrow(points)),
    ...machine.states.flatMap((state) => {
      const place = places.get(state.name);
      return place ? [drawState(state, place, machine)] : [];
    }),
    ...edges.flatMap((edge) => drawLabel(edge, findRoom(edge, edges, places))),
    '</g>',
    '</svg>\n',
  ].join('\n');
}

/** The text for readers who do not see the picture. */
function describe({ id, states }: MachineDescription): string {
  return `The machine ${id}: ${states.map(({ name }) => name).join(', ')}`;
}

function drawBeginning({ x, y, height }: Place): string {
  const middle = y + height / 2;
  const dot = `<circle cx="${px(x - before + 4)}" cy="${px(middle)}" r="4" class="${nameClass('soft')}"/>`;
  return `${dot}\n${drawArrow([
    { x: x - before + 8, y: middle },
    { x, y: middle },
  ])}`;
}

const headLength = 7;

/** A line along points, with its head at the last one. */
function drawArrow(points: readonly Point[]): string {
  const [end, previous] = [points.at(-1), points.at(-2)];
  if (!end || !previous) return '';
  const [dx, dy] = [Math.sign(end.x - previous.x), Math.sign(end.y - previous.y)];
  const base = { x: end.x - dx * headLength, y: end.y - dy * headLength };
  const path = drawCorners([...points.slice(0, -1), base]);
  const [left, right] = [1, -1].map(
    (side) => `${px(base.x + side * dy * 4)} ${px(base.y + side * dx * 4)}`,
  );
  return [
    `<path d="${path}" fill="none" stroke-width="1.25" class="${nameClass('line-soft')}"/>`,
    `<path d="M${px(end.x)} ${px(end.y)}L${left} ${right}Z" class="${nameClass('soft')}"/>`,
  ].join('\n');
}

/** A state has what it runs below its name, and an ending a double border. */
function drawState(state: StateDescription, place: Place, machine: MachineDescription): string {
  const { x, y, width, height } = place;
  const isEnd = state.isFinal === true;
  const works = listWork(state, machine);
  const middle = px(x + width / 2);
  const text = (dy: number, words: string, names: readonly string[]): string =>
    `<text x="${middle}" y="${px(y + height / 2 + dy)}" class="${['middle', ...names].map(nameClass).join(' ')}">${escapeXml(words)}</text>`;
  const line = nameClass(state.name === 'failed' ? 'line-bad' : 'line-text');
  const border = (inset: number, round: number): string =>
    `<rect x="${px(x + inset)}" y="${px(y + inset)}" width="${px(width - 2 * inset)}" height="${px(height - 2 * inset)}" rx="${round}" class="${nameClass('stripe')} ${line}"/>`;
  return [
    border(0, isEnd ? 13 : 6),
    ...(isEnd ? [border(3, 10)] : []),
    text(works === '' ? 4 : -2, state.name, ['text', 'strong']),
    ...(works === '' ? [] : [text(11.5, works, ['soft', 'small'])]),
  ].join('\n');
}

/** The tasks and machines that run in a state: those it begins itself, and those whose ends it hears. */
function listWork(
  { invokes = [], transitions = [] }: StateDescription,
  machine: MachineDescription,
): string {
  const heard = (machine.spawns ?? []).filter((src) =>
    transitions.some(({ event }) => event.startsWith(`done.${src}.`)),
  );
  const works = [...invokes.map(({ src }) => src), ...heard];
  return works.length === 0 ? '' : `runs ${works.join(', ')}`;
}

/**
 * Gives each transition the words of its label: the end of what runs, and the guard. A transition without a guard makes those
 * beside it needless that have one. What shares a rail shares a label, which is laid out as a whole.
 */
function withLabels(machine: MachineDescription): MachineDescription {
  const [, ...railed] = machine.states.filter(({ isFinal }) => isFinal).map(({ name }) => name);
  const states = machine.states.map((state) => {
    const ways = new Map<string, Set<string>>();
    for (const { event, target, guard } of state.transitions ?? []) {
      if (target === undefined) continue;
      const others = state.transitions?.filter((other) => other.target === target) ?? [];
      const isNeedless = others.some(
        (other) => other.guard === undefined && shorten(other.event) === shorten(event),
      );
      const label = writeLabel(shorten(event), isNeedless ? undefined : guard);
      ways.set(target, (ways.get(target) ?? new Set()).add(label));
    }
    const transitions = [...ways].flatMap(([target, labels]) => {
      const events = railed.includes(target) ? [[...labels].join(', ')] : [...labels];
      return events.map((event) => ({ target, event }));
    });
    return { ...state, transitions };
  });
  return { ...machine, states };
}

/** `done` for `done.launch`: the state says what is done. */
function shorten(event: string): string {
  return event.split('.', 1)[0] ?? event;
}

function writeLabel(event: string, guard: string | undefined): string {
  if (guard === undefined) return event;
  return event === 'always' ? `[${guard}]` : `${event} [${guard}]`;
}

/** A straight line has room for a second label below it. A label that is too long for another edge goes on below that edge. */
function drawLabel({ events, label }: MachineEdge, room: Room): readonly string[] {
  const isStraight = label.anchor === 'middle';
  const lines = isStraight
    ? events
    : wrapText(events.join(', '), room.width / tightness, labelSize, 2);
  const x = isStraight ? label.x : room.x;
  return lines.map((line, at) => {
    const y = label.y + at * (isStraight ? 20 : 16);
    const classes = ['soft', 'halo', label.anchor].map(nameClass).join(' ');
    return `<text x="${px(x)}" y="${px(y)}" class="${classes}">${escapeXml(line)}</text>`;
  });
}

interface Room {
  readonly x: number;
  readonly width: number;
}

/** Finds the place for the label of an edge: the first one between other lines and states that is wide
 * enough; when none is, the first of the wide ones. */
function findRoom(
  { events, label, points }: MachineEdge,
  edges: readonly MachineEdge[],
  places: ReadonlyMap<string, Place>,
): Room {
  const crosses = (top: number, bottom: number): boolean =>
    top < label.y && bottom > label.y - labelSize;
  const lines = edges.flatMap((edge) =>
    edge.points.slice(1).flatMap((end, at) => {
      const begin = edge.points[at] ?? end;
      return crosses(Math.min(begin.y, end.y), Math.max(begin.y, end.y)) ? [begin.x] : [];
    }),
  );
  const boxes = [...places.values()].filter(({ y, height }) => crosses(y, y + height));
  const right = Math.max(...points.map(({ x }) => x));
  const stops = [label.x - 8, ...lines, ...boxes.map(({ x }) => x), right]
    .filter((x) => x >= label.x - 8 && x <= right)
    .toSorted((a, b) => a - b);
  const rooms = stops.slice(1).map((stop, at): Room => {
    const x = (stops[at] ?? 0) + 8;
    return { x, width: stop - x - 4 };
  });
  const wanted = measureText(events.join(', '), labelSize) * tightness;
  const widest = Math.max(...rooms.map(({ width }) => width));
  const enough = Math.min(wanted, widest * 0.75);
  return rooms.find(({ width }) => width >= enough) ?? { x: label.x, width: wanted };
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
