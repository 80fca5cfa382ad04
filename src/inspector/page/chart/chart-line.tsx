import type { Point } from './chart-place.ts';
import './chart-line.css';

interface LineProps {
  /** The path along the points. */
  readonly path: string;
  readonly points: readonly Point[];
  /** Classes: `is-taken`, `is-critical` … */
  readonly kind: string;
  readonly onEnter: () => void;
  readonly onLeave: () => void;
}

/** A line of a chart with an arrow at its end. It can be pointed at from a few pixels away. */
export function Line({ path, points, kind, onEnter, onLeave }: LineProps) {
  return (
    <g class={`chart-line ${kind}`} onPointerEnter={onEnter} onPointerLeave={onLeave}>
      <path class="chart-reach" d={path} />
      <path class="chart-stroke" d={path} />
      <path class="chart-tip" d={drawTip(points)} />
    </g>
  );
}

const tipLength = 7;

function drawTip(points: readonly Point[]): string {
  const [before, end] = points.slice(-2);
  if (!before || !end) return '';
  const length = Math.hypot(end.x - before.x, end.y - before.y) || 1;
  const [x, y] = [(end.x - before.x) / length, (end.y - before.y) / length];
  const corner = (side: number): string =>
    `L${end.x - x * tipLength + y * side} ${end.y - y * tipLength - x * side}`;
  return `M${end.x} ${end.y}${corner(3.5)}${corner(-3.5)}Z`;
}
