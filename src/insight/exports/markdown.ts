import { formatDuration } from '../../core/duration.ts';
import type { Warning } from '../../core/error-codes.ts';
import type { ErrorRecord } from '../../core/error-record.ts';
import type { ChainLink } from '../../core/report.ts';
import { steps, type Step } from '../../core/steps.ts';
import { waitKinds } from '../../core/waits.ts';
import { blame, type BlameEntry } from '../blame.ts';
import { criticalChain } from '../critical-chain.ts';
import type { BootRecord } from '../boot-record.ts';
import type { Finding } from '../finding.ts';
import { findings } from '../findings.ts';
import { headline } from '../headline.ts';
import { listChanges, type PluginChange } from '../list-changes.ts';
import { listHeldLocks, type HeldLock } from '../held-locks.ts';
import { findOpenStep } from '../open-steps.ts';
import type { PluginRecord } from '../plugin-record.ts';
import { describeLock } from '../statement-words.ts';
import type { Story } from '../story.ts';
import { describeOpenStep, nameGoal } from '../step-words.ts';
import { findLoss, traceCauses } from '../why.ts';
import { nameTarget } from '../wait-words.ts';
import { writeBlock, writeCode, writeText } from './markdown-text.ts';

/** A heading with its facts, one a line. It is left out when it has none. */
type Section = readonly [title: string, lines: readonly string[]];

/** A summary of a CI job may have 1 MiB. */
const mostBytes = 900_000;

/**
 * Writes a boot as Markdown, for the summary of a CI job, a chat, grep or a language model: the headline, then one fact a line
 * with full names. The lines that matter most come first, and below 1 MB the last ones are left out with a line that says so.
 */
export function writeMarkdown(story: Story): string {
  const sections: readonly Section[] = [
    ['Boot', listFacts(story)],
    ['Failures', listFailures(story)],
    ['Now', listOpen(story)],
    ['Added and removed', listChanges(story.record).map(describeChange)],
    ['Phases', listPhases(story)],
    ['Critical chain', listChain(story)],
    ['Findings', findings(story).flatMap(describeFinding)],
    ['Warnings', story.record.warnings.map(describeWarning)],
    ['Sessions kept waiting', listHeldLocks(story).map(describeHeldLock)],
    ['Own time', listBlame(story)],
    ['Plugins', story.record.plugins.map((plugin) => describePlugin(story.record, plugin))],
    ['Applied files', story.record.plugins.flatMap(listFiles)],
  ];
  const lines = [`# ${writeText(headline(story))}`];
  for (const [title, facts] of sections) {
    if (facts.length > 0) lines.push('', `## ${title}`, '', ...facts);
  }
  return `${fit(lines).join('\n')}\n`;
}

function describeChange({ says, startMs, endMs }: PluginChange): string {
  const time = endMs === undefined ? '' : `, took ${formatDuration(endMs - startMs)}`;
  return `- ${writeText(says)} (at ${formatDuration(startMs)}${time})`;
}

/** Leaves out the last facts of a text that is too long. */
function fit(lines: readonly string[]): readonly string[] {
  const encoder = new TextEncoder();
  let bytes = 0;
  const tooMany = lines.findIndex((line) => (bytes += encoder.encode(line).length + 1) > mostBytes);
  if (tooMany === -1) return lines;
  // The cut is never in the middle of an excerpt.
  const count = lines.findLastIndex((line, at) => at <= tooMany && line.startsWith('- '));
  return [...lines.slice(0, count), '', `${lines.length - count} more lines are left out.`];
}

function listFacts({ record, bootId, end, endMs, isFull }: Story): readonly string[] {
  const { start, finished, database, startedAt } = record;
  const outcome =
    end === 'cutOff' ? 'cut off: the process ended' : (finished?.outcome ?? 'running');
  const enabled = record.plugins.filter((plugin) => plugin.enabled);
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Outcome', outcome],
    ['Duration', formatDuration(endMs)],
    ['Plugins', String(enabled.length)],
    ['Boot', writeCode(bootId)],
    ['Launch', record.launch === undefined ? undefined : String(record.launch)],
    ['Started', startedAt === undefined ? undefined : new Date(startedAt).toISOString()],
    ['Host', start && `${writeCode(start.host)}, pid ${start.pid}`],
    [
      'Application',
      start?.hostApp && writeCode([start.hostApp.name, start.hostApp.version].join(' ')),
    ],
    ['Versions', start && `Slipway ${start.versions.slipway}, Node.js ${start.versions.node}`],
    [
      'Database',
      database &&
        `PostgreSQL ${writeText(database.server)}${database.pooler ? ', behind a pooler' : ''}`,
    ],
    ['Slots', start && `${start.slots.migrate} to migrate, ${start.slots.init} to start`],
    ['Recording', isFull ? 'it was full, and the last details are left out' : undefined],
    ['Stopped', record.stopping && writeText(record.stopping.reason)],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [`- ${name}: ${value}`]));
}

/** Each failure with its cause and what to do, then how many others it took along. */
function listFailures(story: Story): readonly string[] {
  const { record, times } = story;
  const failed = record.plugins.flatMap((plugin) =>
    steps.flatMap((step) => describeFailure(plugin, step)),
  );
  const general = failed.length === 0 && record.finished?.error ? [record.finished.error] : [];
  const lost = record.plugins.flatMap((plugin) => {
    const { outcome, because } = findLoss(times, plugin) ?? {};
    if (outcome !== 'dependency' && outcome !== 'skipped') return [];
    const root = traceCauses(times, plugin).findLast(({ kind }) => kind === 'failed')?.plugin;
    const cause = root === undefined ? '' : ` (root cause: ${writeCode(root)})`;
    return [
      `- ${writeCode(plugin.id)} did not ${nameGoal(record)}: ${writeText(because ?? outcome)}${cause}`,
    ];
  });
  return [
    ...general.flatMap((error) => [
      `- The ${record.launch === undefined ? 'boot' : 'launch'} failed: ${writeText(error.message)}`,
      ...explain(error),
    ]),
    ...failed,
    ...record.problems.map(describeWarning),
    ...lost,
  ];
}

function describeFailure({ id, steps: own }: PluginRecord, step: Step): readonly string[] {
  const { outcome, error, because, durationMs } = own[step];
  if (outcome !== 'failed' && outcome !== 'timeout') return [];
  const what = outcome === 'failed' ? 'failed' : 'timed out';
  const after = durationMs === undefined ? '' : ` after ${formatDuration(durationMs)}`;
  const why = error?.message ?? because;
  const line = `- ${writeCode(id)}: ${step} ${what}${after}${why === undefined ? '' : `: ${writeText(why)}`}`;
  return error ? [line, ...explain(error)] : [line];
}

/** The code, the place, the causes and the remedy of an error. */
function explain({ code, hint, position, database, cause }: ErrorRecord): readonly string[] {
  const lines: string[] = [];
  if (code !== undefined) lines.push(`  - Code: ${writeCode(code)}`);
  if (position) {
    const { file, line, statement } = position;
    const where = [
      line !== undefined && `line ${line}`,
      statement !== undefined && `statement ${statement}`,
    ];
    lines.push(`  - Place: ${[writeCode(file), ...where].filter(Boolean).join(', ')}`);
    if (position.excerpt !== undefined) lines.push('', ...writeBlock(position.excerpt, '    '), '');
  }
  if (database?.sqlState !== undefined) lines.push(`  - SQLSTATE: ${writeCode(database.sqlState)}`);
  if (database?.detail !== undefined) lines.push(`  - Detail: ${writeText(database.detail)}`);
  for (let inner = cause; inner; inner = inner.cause) {
    lines.push(`  - Cause: ${writeText(inner.message)}`);
  }
  if (hint !== undefined) lines.push(`  - Remedy: ${writeText(hint)}`);
  return lines;
}

/** What goes on and what waits, while the boot has not ended. */
function listOpen({ record, times, end }: Story): readonly string[] {
  const isOver = record.finished && (!record.stopping || record.stoppedAtMs !== undefined);
  if (isOver) return [];
  const open = record.plugins.flatMap((plugin) => {
    const found = findOpenStep(times, plugin);
    return found ? [{ found, line: `- ${writeText(describeOpenStep(times, plugin, found))}` }] : [];
  });
  const begun = open.filter(({ found }) => found.hasBegun).map(({ line }) => line);
  const others = open.filter(({ found }) => !found.hasBegun).map(({ line }) => line);
  const note = end === 'cutOff' && open.length > 0 ? ['- The process ended at this moment.'] : [];
  return [...note, ...begun, ...others];
}

function listPhases({ record, nowMs }: Story): readonly string[] {
  return record.phases.map(({ phase, outcome, startMs, endMs, error }) => {
    const lasted = formatDuration((endMs ?? nowMs) - startMs);
    const why = error ? `: ${writeText(error.message)}` : '';
    return `- ${phase}: ${outcome}, ${lasted}, from ${formatDuration(startMs)}${why}`;
  });
}

function listChain(story: Story): readonly string[] {
  return criticalChain(story).map(({ plugin, step, kind, via, startMs, endMs }) => {
    const who = plugin === undefined ? '' : ` ${writeCode(plugin)}`;
    const lasted = formatDuration(endMs - startMs);
    const what =
      kind === 'work' ? `works ${lasted}` : `waits ${lasted} for ${nameTarget(kind, step)}`;
    return `- ${formatDuration(startMs)}: ${step}${who} ${what}${describeVia(via, step)}`;
  });
}

/** What a link of the chain waited for before it began. */
function describeVia(via: ChainLink['via'], step: string): string {
  return via === 'start' || via === 'step' ? '' : `, after it waited for ${nameTarget(via, step)}`;
}

function describeFinding({ title, why, caveat, evidence, savedMs }: Finding): readonly string[] {
  const saved = savedMs === undefined ? '' : ` (${formatDuration(savedMs)} would be saved)`;
  return [
    `- ${writeText(title)}${saved}`,
    `  - Why: ${writeText(why)}`,
    `  - But: ${writeText(caveat)}`,
    ...evidence.map(({ fact }) => `  - Fact: ${writeText(fact)}`),
  ];
}

function listBlame(story: Story): readonly string[] {
  return blame(story)
    .filter(({ ownMs }) => ownMs >= 1)
    .map(describeBlame);
}

/** Work, the longest first. Waits stand apart, because they are the work of others. */
function describeBlame({ plugin, step, ownMs, waits, isOpen }: BlameEntry): string {
  const who = plugin === undefined ? step : `${step} ${writeCode(plugin)}`;
  const waited = waitKinds.flatMap((kind) => {
    const ms = waits[kind];
    return ms === undefined ? [] : [`${formatDuration(ms)} for ${nameTarget(kind, step)}`];
  });
  const apart = waited.length === 0 ? '' : `; waited ${waited.join(', ')}`;
  return `- ${who}: ${formatDuration(ownMs)}${isOpen ? ' so far' : ''}${apart}`;
}

function describeHeldLock(lock: HeldLock): string {
  return `- ${writeCode(lock.plugin)}, ${writeCode(lock.file)}: ${writeText(describeLock(lock))}`;
}

function describePlugin(
  { askedSteps }: BootRecord,
  { id, version, required, enabled, steps: own }: PluginRecord,
): string {
  const name = version === undefined ? writeCode(id) : `${writeCode(id)} ${writeText(version)}`;
  if (!enabled) return `- ${name}: disabled`;
  const ran = askedSteps.flatMap((step) => {
    const { outcome, durationMs } = own[step];
    if (outcome === undefined) return [];
    const lasted =
      durationMs === undefined || durationMs === 0 ? '' : ` ${formatDuration(durationMs)}`;
    return [`${step} ${outcome}${lasted}`];
  });
  const facts = [...(required ? [] : ['optional']), ...(ran.length === 0 ? ['not reached'] : ran)];
  return `- ${name}: ${facts.join(', ')}`;
}

function describeWarning({ plugin, file, message, code, hint }: Warning): string {
  const about = [plugin, file].filter((each) => each !== undefined).map(writeCode);
  const where = about.length === 0 ? '' : `${about.join(', ')}: `;
  const remedy = hint === undefined ? '' : `; remedy: ${writeText(hint)}`;
  const name = code === undefined ? '' : ` (${writeCode(code)})`;
  return `- ${where}${writeText(message)}${name}${remedy}`;
}

function listFiles({ id, steps: { migrate }, applied, replaced }: PluginRecord): readonly string[] {
  return applied.map((file) => {
    const runs = migrate.files.filter((run) => run.file === file);
    const last = runs.at(-1);
    const lasted =
      last?.endMs === undefined ? '' : `, ${formatDuration(last.endMs - last.startMs)}`;
    const tries = runs.length > 1 ? `, attempt ${runs.length}` : '';
    const rows = replaced.find((each) => each.file === file)?.rows;
    const instead =
      rows === undefined ? '' : `, not run: it replaced ${rows} of the history's rows`;
    return `- ${writeCode(id)}: ${writeCode(file)}${lasted}${tries}${instead}`;
  });
}
