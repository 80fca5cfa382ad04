import { steps, type Step } from '../../core/steps.ts';
import { headline } from '../headline.ts';
import { criticalChain } from '../critical-chain.ts';
import type { Story } from '../story.ts';
import { isFailure, isWait, listBars, type Bar } from './bars.ts';
import { mostCharacters, writeName } from './mermaid-name.ts';
import { chooseNeighbourhood } from './neighbourhood.ts';

/** A row of the diagram. */
interface Task {
  readonly text: string;
  readonly step: Step;
  readonly isCritical: boolean;
  readonly lengthMs: number;
}

const mostPlugins = 120;

/**
 * Writes the launch as a Mermaid gantt: a section for each step, a row for each plugin, `crit` for what is on the critical chain.
 * Of more than 120 plugins it has the chain, what failed, and their neighbours; the title says so.
 */
export function writeMermaidGantt(story: Story): string {
  const { plugins, note } = chooseNeighbourhood(story, mostPlugins, Number.POSITIVE_INFINITY);
  const isCritical = findCritical(story);
  const tasks = plugins.flatMap((plugin) =>
    listBars(story.times, plugin)
      .flatMap((bar) => listRows(bar, story.endMs))
      .map((bar) => writeTask(bar, plugin.id, isCritical(plugin.id, bar))),
  );
  const kept = dropShort(tasks);
  const left = tasks.length - kept.length;
  const notes = [note, left > 0 && `without the ${left} shortest rows`].filter(Boolean);
  const title = writeName(headline(story), 300);
  return [
    'gantt',
    `  title ${title}${notes.length === 0 ? '' : ` (${writeName(notes.join(' and '))})`}`,
    '  dateFormat x',
    `  axisFormat ${story.endMs < 60_000 ? '%S.%L' : '%M min %S'}`,
    ...steps.flatMap((step) => {
      const rows = kept.filter((task) => task.step === step);
      return rows.length === 0 ? [] : [`  section ${step}`, ...rows.map(({ text }) => text)];
    }),
    '',
  ].join('\n');
}

/** A step that has run before the end of the launch, and its waits that lasted for at least 1 % of it. */
function listRows(bar: Bar, endMs: number): readonly Bar[] {
  const hasRun = bar.endMs > bar.startMs || isFailure(bar);
  const isRow = bar.kind === 'step' && hasRun && bar.outcome !== 'dependency';
  if (!isRow || bar.startMs > endMs) return [];
  const isLong = (part: Bar): boolean => (part.endMs - part.startMs) * 100 >= endMs;
  return [bar, ...bar.parts.filter((part) => isWait(part) && isLong(part))];
}

/** A row begins with the step, because a plugin may be called `section`. */
function writeTask(bar: Bar, plugin: string, isCritical: boolean): Task {
  const { step, outcome, startMs, endMs, goesOn, target } = bar;
  const state = isFailure(bar) || outcome === 'canceled' ? ` ${outcome}` : goesOn ? ' …' : '';
  const name = isWait(bar)
    ? `${step} ${plugin} waits for ${target}${state}`
    : `${step} ${plugin}${state}`;
  const tags = [isCritical ? 'crit' : '', goesOn ? 'active' : outcome === 'done' ? 'done' : ''];
  const start = Math.floor(startMs);
  const end = Math.max(start + 1, Math.ceil(endMs));
  const data = [...tags.filter(Boolean), start, end].join(', ');
  const text = `    ${writeName(name)} :${data}`;
  return { text, step, isCritical, lengthMs: endMs - startMs };
}

function findCritical(story: Story): (plugin: string, bar: Bar) => boolean {
  const chain = criticalChain(story);
  return (plugin, { startMs, endMs }) =>
    chain.some((link) => link.plugin === plugin && link.startMs < endMs && link.endMs > startMs);
}

/** Drops the shortest rows until there is room; what is critical stays longest. */
function dropShort(tasks: readonly Task[]): readonly Task[] {
  const important = tasks.toSorted(
    (a, b) => Number(b.isCritical) - Number(a.isCritical) || b.lengthMs - a.lengthMs,
  );
  let room = mostCharacters - 1_000;
  const kept = new Set(important.filter(({ text }) => (room -= text.length + 1) >= 0));
  return tasks.filter((task) => kept.has(task));
}
