import type { WaitKind } from '../../core/waits.ts';
import { nameClass, type ColourName } from './svg-style.ts';
import { escapeXml, fitText } from './svg-text.ts';
import type { TimeScale } from './time-scale.ts';

export const rowHeight = 22;
const barHeight = 14;
/** The room above a bar in its row. */
const above = 4;

/** A bar in the row at hand. */
export interface DrawnBar {
  readonly startMs: number;
  readonly endMs: number;
  /** The tooltip. */
  readonly says: string;
  /** The texts for the inside, the longest first; the first one that fits is written. */
  readonly labels: readonly string[];
  readonly paint: ColourName | WaitKind;
  /** Waits are hatched. */
  readonly isWait?: boolean;
  /** By how much it is lower than its row on each side. */
  readonly inset?: number;
  /** The least width. */
  readonly least?: number;
  /** Whether a bar below it must not shine through. */
  readonly isOnTop?: boolean;
  /** Whether something else is drawn along its lower edge. */
  readonly hasStrip?: boolean;
}

/** A sheet that is filled from top to bottom. */
export class Canvas {
  readonly scale: TimeScale;
  readonly shapes: string[] = [];
  /** The upper edge of the row at hand. */
  y: number;

  constructor(scale: TimeScale, y: number) {
    this.scale = scale;
    this.y = y;
  }

  text(x: number, y: number, text: string, names: readonly string[], tip = ''): void {
    const title = tip === text ? '' : writeTip(tip);
    const classes = names.map(nameClass).join(' ');
    this.shapes.push(
      `<text x="${px(x)}" y="${px(y)}" class="${classes}">${title}${escapeXml(text)}</text>`,
    );
  }

  /** A text on the baseline of the row at hand. */
  rowText(x: number, text: string, names: readonly string[], tip = ''): void {
    this.text(x, this.y + 15, text, names, tip);
  }

  line(x: number, top: number, bottom: number, name: string, isDashed = false): void {
    const dashes = isDashed ? ' stroke-dasharray="3 3"' : '';
    this.shapes.push(
      `<line x1="${px(x)}" x2="${px(x)}" y1="${px(top)}" y2="${px(bottom)}" class="${nameClass(`line-${name}`)}"${dashes}/>`,
    );
  }

  bar(bar: DrawnBar): void {
    const { startMs, endMs, says, labels, paint, isWait = false } = bar;
    const { inset = 0, least = 0, isOnTop = false, hasStrip = false } = bar;
    const x = this.scale.toX(startMs);
    const width = Math.max(this.scale.toX(endMs) - x, least);
    if (width < 0.4) return;
    const place = { x, y: this.y + above + inset, width, height: barHeight - 2 * inset };
    if (isOnTop) this.shapes.push(box(place, 'back'));
    this.shapes.push(isWait ? hatch(place, paint, says) : box(place, paint, says, 2));
    const label = labels.find((each) => fitText(each, width - 8, 9.5) === each);
    if (label === undefined || label === '') return;
    const names = isWait ? ['text', 'small', 'halo'] : ['on', 'small'];
    this.text(x + 4, this.y + (hasStrip ? 13 : 14.5), label, names);
  }

  /** A line along the lower edge of the bars of this row, for a part of one. */
  strip(startMs: number, endMs: number, says: string): void {
    const x = this.scale.toX(startMs);
    const width = this.scale.toX(endMs) - x - 1;
    if (width < 0.5) return;
    const place = { x: x + 0.5, y: this.y + above + barHeight - 4, width, height: 3 };
    this.shapes.push(box(place, 'statement', says));
  }

  /** A line under the bars of this row. */
  underline(startMs: number, endMs: number, paint: ColourName): void {
    const x = this.scale.toX(startMs);
    const width = Math.max(1, this.scale.toX(endMs) - x);
    this.shapes.push(box({ x, y: this.y + rowHeight - 3, width, height: 2 }, paint));
  }

  /** The mark of a bar that goes on. */
  arrow(atMs: number): void {
    const x = this.scale.toX(atMs);
    const [top, middle, bottom] = [5, 11, 17].map((dy) => px(this.y + dy));
    this.shapes.push(
      `<path d="M${px(x)} ${top}L${px(x + 7)} ${middle}L${px(x)} ${bottom}Z" class="${nameClass('text')}"/>`,
    );
  }
}

/** A place on the sheet, in px. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function box(place: Place, paint: ColourName | WaitKind, says = '', round = 0): string {
  const rx = round === 0 || place.width < 4 ? '' : ` rx="${round}"`;
  return writeRect(place, `class="${nameClass(paint)}"${rx}`, says);
}

export function hatch(place: Place, kind: string, says = ''): string {
  return writeRect(place, `fill="url(#${nameClass(kind)})"`, says);
}

function writeRect({ x, y, width, height }: Place, paint: string, says: string): string {
  const shape = `<rect x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" ${paint}`;
  return says === '' ? `${shape}/>` : `${shape}>${writeTip(says)}</rect>`;
}

function writeTip(text: string): string {
  return text === '' ? '' : `<title>${escapeXml(text)}</title>`;
}

function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}
