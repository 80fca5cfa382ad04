import { formatDuration } from '../../core/duration.ts';
import { waitKinds, type WaitKind } from '../../core/waits.ts';
import type { ChainLink } from '../../core/report.ts';
import { steps, type Step } from '../../core/steps.ts';
import type { PluginRecord } from '../plugin-record.ts';
import { criticalChain } from '../critical-chain.ts';
import { headline } from '../headline.ts';
import { describeStatus, writeStatus } from '../status.ts';
import type { Story } from '../story.ts';
import { nameTarget, waitWords } from '../wait-words.ts';
import { isFailure, isWait, listBars, type Bar } from './bars.ts';
import { box, Canvas, hatch, rowHeight } from './svg-canvas.ts';
import { nameClass, svgClass, writePatterns, writeStyle, type ColourName } from './svg-style.ts';
import { escapeXml, fitText, wrapText } from './svg-text.ts';
import { makeTimeScale } from './time-scale.ts';

const width = 1_200;
const margin = 16;
const left = 190;
const chartWidth = 800;
const right = left + chartWidth;

interface Row {
  readonly plugin: PluginRecord;
  readonly bars: readonly Bar[];
}

/**
 * Draws a boot: a row for each plugin in the order of the graph, with its waits, files and steps, and the critical chain. The
 * picture stands alone: it has no scripts and no fonts, follows the light or dark theme of its reader, and each bar has a tooltip.
 */
export function writeSvg(story: Story): string {
  const canvas = new Canvas(makeTimeScale(story, left, chartWidth), margin);
  const rows = story.record.plugins.map((plugin) => ({
    plugin,
    bars: listBars(story.times, plugin),
  }));
  const chain = criticalChain(story);
  drawHead(canvas, story);
  drawLegend(canvas, rows, chain.length > 0);
  drawAxis(canvas);
  drawGrid(canvas, story, rows.length, chain.length > 0);
  drawPhases(canvas, story);
  if (chain.length > 0) drawChain(canvas, chain);
  canvas.y += 6;
  for (const row of rows) drawRow(canvas, story, row, chain);
  if (rows.length === 0) canvas.rowText(left, 'no plugins', ['soft']);
  if (rows.length > 30) drawAxis(canvas);
  const height = Math.ceil(canvas.y + rowHeight);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="${svgClass}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escapeXml(headline(story))}</title>`,
    writeStyle(),
    writePatterns(),
    `<rect width="${width}" height="${height}" class="${nameClass('back')}"/>`,
    ...canvas.shapes,
    '</svg>\n',
  ].join('\n');
}

function drawHead(canvas: Canvas, story: Story): void {
  const { record, bootId, end } = story;
  for (const line of wrapText(headline(story), width - 2 * margin, 18.5, 4)) {
    canvas.y += 20;
    canvas.text(margin, canvas.y, line, ['text', 'headline']);
  }
  const { hostApp, host, versions } = record.start ?? {};
  const facts = [
    end === 'cutOff' ? 'cut off' : (record.finished?.outcome ?? 'running'),
    record.startedAt !== undefined && new Date(record.startedAt).toISOString(),
    hostApp && [hostApp.name, hostApp.version].filter(Boolean).join(' '),
    host,
    versions && `Slipway ${versions.slipway}`,
    `boot ${bootId}`,
  ];
  canvas.y += 18;
  const line = facts.filter(Boolean).join(' · ');
  canvas.text(margin, canvas.y, fitText(line, width - 2 * margin, 11), ['soft']);
}

/** Explains the marks, but only those that the picture has. */
function drawLegend(canvas: Canvas, rows: readonly Row[], hasChain: boolean): void {
  const bars = rows.flatMap((row) => row.bars.flatMap((bar) => [bar, ...bar.parts]));
  const kinds = new Set(bars.map(({ kind }) => kind));
  const ran = new Set(bars.filter(({ kind }) => kind === 'step').map(({ step }) => step));
  const works: readonly (readonly [ColourName, string, boolean])[] = [
    ...steps.map((step) => [step, step, ran.has(step)] as const),
    ['file', 'file', kinds.has('file')],
    ['statement', 'statement', kinds.has('file')],
    ['bad', 'failed', bars.some(isFailure)],
    ['phase', 'canceled', bars.some(isCanceled)],
  ];
  let x = margin;
  canvas.y += 14;
  const place = (draw: (x: number, y: number) => string, label: string): void => {
    const wide = 38 + label.length * 6.4;
    if (x + wide > width - margin) {
      x = margin;
      canvas.y += 16;
    }
    canvas.shapes.push(draw(x, canvas.y));
    canvas.text(x + 20, canvas.y + 9, label, ['soft']);
    x += wide;
  };
  const size = { width: 14, height: 10 };
  for (const [paint, label, isThere] of works) {
    if (isThere) place((at, y) => box({ x: at, y, ...size }, paint), label);
  }
  for (const kind of waitKinds) {
    if (kinds.has(kind))
      place((at, y) => hatch({ x: at, y, ...size }, kind), `waits for ${waitWords[kind]}`);
  }
  if (hasChain) {
    place((at, y) => box({ x: at, y: y + 7, width: 14, height: 2 }, 'chain'), 'critical chain');
  }
  canvas.y += 22;
}

function drawAxis(canvas: Canvas): void {
  canvas.y += 12;
  for (const { x, label } of canvas.scale.ticks) {
    canvas.text(x, canvas.y, label, ['soft', x < left + 20 ? 'start' : 'middle']);
  }
  canvas.y += 6;
}

/** What lies behind the rows: stripes, the lines of the axis, the gap, and now. */
function drawGrid(canvas: Canvas, { end, nowMs }: Story, count: number, hasChain: boolean): void {
  const { ticks, gap, toX } = canvas.scale;
  const top = canvas.y;
  const firstRow = top + (hasChain ? 2 : 1) * rowHeight + 6;
  const bottom = firstRow + Math.max(count, 1) * rowHeight;
  for (let at = 0; at < count; at += 2) {
    const place = { x: 0, y: firstRow + at * rowHeight, width, height: rowHeight };
    canvas.shapes.push(box(place, 'stripe'));
  }
  for (const { x } of ticks) canvas.line(x, top, bottom, 'grid');
  if (gap) {
    canvas.line(gap.x, top, bottom, 'text', true);
    canvas.line(gap.x + gap.width, top, bottom, 'text', true);
    canvas.rowText(gap.x + gap.width / 2, gap.label, ['soft', 'middle']);
  }
  if (end === 'finished') return;
  canvas.line(toX(nowMs), top, bottom, 'bad', true);
  const word = end === 'cutOff' ? 'the process ended here' : 'now';
  canvas.text(toX(nowMs) + 4, top - 6, word, ['bad']);
}

function drawPhases(canvas: Canvas, { record, nowMs }: Story): void {
  canvas.rowText(left - 10, 'phases', ['soft', 'end']);
  for (const { phase, outcome, startMs, endMs = nowMs, error } of record.phases) {
    const why = error ? `: ${error.message}` : '';
    const says = `${phase}: ${outcome}, ${formatDuration(endMs - startMs)}${why}`;
    const labels = outcome === 'failed' ? [`${phase} failed`, 'failed'] : [phase];
    canvas.bar({ startMs, endMs, says, labels, paint: outcome === 'failed' ? 'bad' : 'phase' });
  }
  canvas.y += rowHeight;
}

const workPaint: Readonly<Record<Step, ColourName>> = {
  migrate: 'file',
  init: 'init',
  ready: 'ready',
  stop: 'stop',
};

function drawChain(canvas: Canvas, chain: readonly ChainLink[]): void {
  canvas.rowText(left - 10, 'critical chain', ['chain', 'end', 'strong']);
  for (const { plugin, step, kind, startMs, endMs } of chain) {
    const isWaiting = kind !== 'work';
    const name = plugin ?? step;
    const what = [step, plugin, isWaiting && `waits for ${nameTarget(kind, step)}`]
      .filter(Boolean)
      .join(' ');
    const says = `${what}, ${formatDuration(endMs - startMs)}`;
    const labels = isWaiting
      ? [`${name} waits for ${nameTarget(kind, step)}`, name]
      : [name, fitText(name, 40, 9.5)];
    const work = step in workPaint ? workPaint[step as Step] : 'phase';
    canvas.bar({ startMs, endMs, says, labels, paint: isWaiting ? kind : work, isWait: isWaiting });
    canvas.underline(startMs, endMs, 'chain');
  }
  canvas.y += rowHeight;
}

const toneClasses = {
  good: ['good'],
  bad: ['bad', 'strong'],
  wait: ['text'],
  run: ['text'],
  soft: ['soft'],
} as const;

function drawRow(
  canvas: Canvas,
  { times }: Story,
  { plugin, bars }: Row,
  chain: readonly ChainLink[],
): void {
  const name = fitText(plugin.id, left - margin - 10, 11);
  canvas.rowText(left - 10, name, ['text', 'end'], describePlugin(plugin));
  for (const bar of bars) {
    if (isWait(bar)) drawWait(canvas, bar, 4);
    else drawStep(canvas, bar);
  }
  for (const { plugin: id, startMs, endMs } of chain) {
    if (id === plugin.id) canvas.underline(startMs, endMs, 'chain');
  }
  const status = describeStatus(times, plugin);
  const text = writeStatus(status);
  const shown = fitText(`${status.glyph} ${text}`, width - right - margin - 10, 11);
  canvas.rowText(right + 10, shown, toneClasses[status.tone], text);
  canvas.y += rowHeight;
}

/** The gate is waited for by everyone, so its name in each row would only be noise. */
function drawWait(canvas: Canvas, bar: Bar, inset: number): void {
  const { kind, startMs, endMs, target = '', says } = bar;
  const labels = kind === 'gate' ? [] : [`${target} ${formatDuration(endMs - startMs)}`, target];
  const paint = kind as WaitKind;
  canvas.bar({ startMs, endMs, says, labels, paint, isWait: true, inset, isOnTop: inset === 0 });
}

function drawStep(canvas: Canvas, bar: Bar): void {
  const { step, outcome, startMs, endMs, says, goesOn, parts } = bar;
  const lost = isFailure(bar) || isCanceled(bar);
  const label = lost ? `${step} ${outcome}` : step;
  const labels = parts.some(({ kind }) => kind === 'file') ? [] : [label, step];
  const paint = isFailure(bar) ? 'bad' : isCanceled(bar) ? 'phase' : step;
  canvas.bar({ startMs, endMs, says, labels, paint, least: 2 });
  for (const part of parts) {
    if (isWait(part)) drawWait(canvas, part, 0);
    else drawFile(canvas, part);
  }
  if (goesOn) canvas.arrow(endMs);
}

function drawFile(canvas: Canvas, bar: Bar): void {
  const { name, startMs, endMs, says, parts } = bar;
  const isLost = isFailure(bar);
  const room = canvas.scale.toX(endMs) - canvas.scale.toX(startMs) - 8;
  const label = isLost ? `failed: ${name}` : name;
  const labels = [label, room < 40 ? '' : fitText(label, room, 9.5)];
  const paint = isLost ? 'bad' : 'file';
  canvas.bar({ startMs, endMs, says, labels, paint, inset: 1, hasStrip: true });
  for (const part of parts) canvas.strip(part.startMs, part.endMs, part.says);
}

function isCanceled({ outcome }: Bar): boolean {
  return outcome === 'canceled' || outcome === 'skipped';
}

function describePlugin({ id, version, required, enabled, applied }: PluginRecord): string {
  const facts = [
    version === undefined ? id : `${id} ${version}`,
    required ? '' : 'optional',
    enabled ? '' : 'disabled',
    applied.length === 0 ? '' : `migration files applied: ${applied.length}`,
  ];
  return facts.filter(Boolean).join(', ');
}
