import { formatDuration } from '../../../core/duration.ts';
import { isFailure, isWait, type Bar } from '../../../insight/exports/bars.ts';
import { fitText } from '../../../insight/exports/svg-text.ts';

/** A shape in a row of the lanes. Its classes give it colour, pattern and height. */
export interface Shape {
  readonly classes: string;
  /** Its place on the axis, from 0 to 1. */
  readonly from: number;
  readonly to: number;
  /** The tooltip. */
  readonly title: string;
  /** The text inside, if it has room. */
  readonly label?: string;
}

/** The axis of the shapes: the places of times, and its width in px. */
export interface Scale {
  readonly place: (ms: number) => number;
  readonly width: number;
}

/** Narrower ones are not drawn, in px. */
const narrowest = { wait: 1, file: 2, statement: 3 } as const;
const fontSize = 11;
/** The room that the word of a failure takes beside its bar, in px. */
const flagWidth = 130;

/** Draws the bars of a plugin: what lies on top comes last. */
export function drawBars(bars: readonly Bar[], scale: Scale): readonly Shape[] {
  let hasLoss = bars.some(hasFailed);
  return bars.flatMap((bar): readonly Shape[] => {
    if (isWait(bar)) return drawWait(bar, scale, 'queue');
    const isPoint = bar.startMs === bar.endMs && bar.parts.length === 0;
    // A plugin that was lost once is lost for each step that would have come.
    if (isPoint && isLost(bar)) {
      if (hasLoss) return [];
      hasLoss = true;
    }
    return drawStep(bar, scale);
  });
}

function drawStep(bar: Bar, scale: Scale): readonly Shape[] {
  const { step, outcome, goesOn, parts } = bar;
  const files = joinNarrow(
    parts.filter(({ kind }) => kind === 'file'),
    scale,
  );
  const isBad = hasFailed(bar);
  const state = isBad ? ' failed' : isLost(bar) ? ' lost' : goesOn ? ' going' : '';
  const word = isBad ? `✕ ${step} ${outcome === 'timeout' ? 'timed out' : outcome}` : step;
  const hasRoom = files.length === 0 && fits(word, bar, scale);
  const drawn = files.flatMap((file) => drawFile(file, scale));
  const isMarked = hasRoom || drawn.some(({ label }) => label?.startsWith('✕'));
  return [
    shape(bar, scale, `step ${step}${state}`, hasRoom && !isLost(bar) ? [word] : []),
    ...drawn,
    ...parts.filter(isWait).flatMap((wait) => drawWait(wait, scale, 'pause')),
    ...(isBad && !isMarked ? [drawFlag(bar, scale, word)] : []),
  ];
}

function drawFile(bar: Bar, scale: Scale): readonly Shape[] {
  const state = isFailure(bar) ? ' failed' : bar.goesOn ? ' going' : '';
  const labels = isFailure(bar) ? [`✕ ${bar.name}`] : [bar.name, cutToFit(bar.name, bar, scale)];
  const statements = bar.parts.filter((part) => measure(part, scale) >= narrowest.statement);
  return [
    shape(bar, scale, `file${state}`, labels),
    ...statements.map((part) => shape(part, scale, 'statement', [])),
  ];
}

function drawWait(bar: Bar, scale: Scale, place: 'queue' | 'pause'): readonly Shape[] {
  const { kind, goesOn } = bar;
  if (measure(bar, scale) < narrowest.wait) return [];
  // Everyone waits for the gate, so its name in each row would only be noise.
  const labels = kind === 'gate' ? [] : labelWait(bar);
  return [shape(bar, scale, `wait ${place} ${kind}${goesOn ? ' going' : ''}`, labels)];
}

function labelWait({ startMs, endMs, target = '' }: Bar): readonly string[] {
  return [`for ${target} ${formatDuration(endMs - startMs)}`, `for ${target}`, target];
}

/** The word of a failure beside its bar: behind it, or before it where the axis ends. */
function drawFlag(bar: Bar, scale: Scale, label: string): Shape {
  const at = scale.place(bar.endMs);
  const isBehind = (1 - at) * scale.width > flagWidth;
  const from = isBehind ? at : scale.place(bar.startMs);
  return {
    classes: `flag ${isBehind ? 'behind' : 'before'}`,
    from,
    to: from,
    title: bar.says,
    label,
  };
}

/** Files that are too narrow to be seen become one bar with those beside them. */
function joinNarrow(files: readonly Bar[], scale: Scale): readonly Bar[] {
  const joined: { bar: Bar; count: number }[] = [];
  for (const file of files) {
    const last = joined.at(-1);
    const isNarrow = measure(file, scale) < narrowest.file && !isFailure(file);
    if (!isNarrow || !last || measure(last.bar, scale) >= narrowest.file) {
      joined.push({ bar: file, count: 1 });
      continue;
    }
    last.count += 1;
    const { startMs } = last.bar;
    const says = `${last.count} files in ${formatDuration(file.endMs - startMs)}`;
    last.bar = { ...file, startMs, name: `${last.count} files`, says, parts: [] };
  }
  return joined.map(({ bar }) => bar);
}

function shape(bar: Bar, scale: Scale, classes: string, labels: readonly string[]): Shape {
  const label = labels.find((each) => each !== '' && fits(each, bar, scale));
  return {
    classes,
    from: scale.place(bar.startMs),
    to: scale.place(bar.endMs),
    title: bar.says,
    ...(label !== undefined && { label }),
  };
}

function measure({ startMs, endMs }: Bar, { place, width }: Scale): number {
  return (place(endMs) - place(startMs)) * width;
}

function fits(text: string, bar: Bar, scale: Scale): boolean {
  return fitText(text, measure(bar, scale) - 8, fontSize) === text;
}

function cutToFit(text: string, bar: Bar, scale: Scale): string {
  const room = measure(bar, scale) - 8;
  return room < 48 ? '' : fitText(text, room, fontSize);
}

function hasFailed({ outcome }: Bar): boolean {
  return outcome === 'failed' || outcome === 'timeout';
}

function isLost({ outcome }: Bar): boolean {
  return outcome === 'dependency' || outcome === 'notReached' || outcome === 'skipped';
}
