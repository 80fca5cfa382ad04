/** A point of a chart, in px from its top left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The place of a node of a chart: its top left corner and its size. */
export interface Place extends Point {
  readonly width: number;
  readonly height: number;
}

/** The CSS of a place. */
export function styleBox(place: Partial<Place>): Readonly<Record<string, string>> {
  const { x, y, width, height } = place;
  return {
    ...(x !== undefined && { left: `${x}px` }),
    ...(y !== undefined && { top: `${y}px` }),
    ...(width !== undefined && { width: `${width}px` }),
    ...(height !== undefined && { height: `${height}px` }),
  };
}

/** Draws a line along points, with round corners. */
export function drawCorners(points: readonly Point[], radius = 7): string {
  const [first, ...rest] = points;
  if (!first) return '';
  const parts = rest.map((point, at) => {
    const next = rest[at + 1];
    if (!next) return `L${write(point)}`;
    const before = moveTowards(point, points[at] ?? point, radius);
    return `L${write(before)}Q${write(point)} ${write(moveTowards(point, next, radius))}`;
  });
  return `M${write(first)}${parts.join('')}`;
}

/** Draws a line along points from left to right, with a soft curve wherever it goes up or down. */
export function drawCurve(points: readonly Point[]): string {
  const parts = points.map((point, at) => {
    const before = points[at - 1];
    if (!before) return `M${write(point)}`;
    if (before.y === point.y) return `L${write(point)}`;
    const x = (before.x + point.x) / 2;
    return `C${write({ x, y: before.y })} ${write({ x, y: point.y })} ${write(point)}`;
  });
  return parts.join('');
}

function moveTowards(from: Point, to: Point, by: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const part = length === 0 ? 0 : Math.min(by, length / 2) / length;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

function write({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
}

const directions: Readonly<Record<string, Point>> = {
  ArrowRight: { x: 1, y: 0 },
  ArrowLeft: { x: -1, y: 0 },
  ArrowDown: { x: 0, y: 1 },
  ArrowUp: { x: 0, y: -1 },
};

/**
 * Finds the node that an arrow key leads to: the nearest one in its direction. Nodes that an edge leads to come first. Home and
 * End lead to the first and the last node.
 */
export function findNext(
  places: ReadonlyMap<string, Place>,
  from: string,
  key: string,
  joined: ReadonlySet<string> = new Set(),
): string | undefined {
  if (key === 'Home') return [...places.keys()].at(0);
  if (key === 'End') return [...places.keys()].at(-1);
  const [direction, start] = [directions[key], places.get(from)];
  if (!direction || !start) return undefined;
  const away = [...places].flatMap(([id, place]) => {
    const x = place.x + place.width / 2 - start.x - start.width / 2;
    const y = place.y + place.height / 2 - start.y - start.height / 2;
    const ahead = x * direction.x + y * direction.y;
    const aside = Math.abs(x * direction.y) + Math.abs(y * direction.x);
    if (id === from || ahead < 1 || (direction.x !== 0 && aside > ahead * 4 && !joined.has(id)))
      return [];
    const isJoined = direction.x !== 0 && joined.has(id);
    return [{ id, cost: (isJoined ? 0 : 100_000) + ahead + aside * 2 }];
  });
  return away.toSorted((a, b) => a.cost - b.cost)[0]?.id;
}
