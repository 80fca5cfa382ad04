import { formatDuration } from '../core/duration.ts';
import { printable } from '../core/printable.ts';
import { blame } from './blame.ts';
import { criticalChain } from './critical-chain.ts';
import type { Finding } from './finding.ts';
import { isWorthALook } from './finding.ts';
import type { Story } from './story.ts';
import { whatIf } from './what-if.ts';

/** More than this part of the boot is most of it. */
const most = 0.5;

/** The time before `start()`, which people wait for as well. */
export function findSlowImports(story: Story): readonly Finding[] {
  // The process of a launch has served for a while.
  if (story.launch !== undefined) return [];
  const uptimeMs = story.record.start?.processUptimeMs ?? 0;
  if (story.end !== 'finished' || uptimeMs <= story.endMs || uptimeMs < 1_000) return [];
  const boot = formatDuration(story.endMs);
  return [
    {
      id: 'slow-imports',
      title: `The process ran for ${formatDuration(uptimeMs)} before the boot began, which took ${boot}`,
      why: 'Imports of modules, and all that the host does first, come before start()',
      caveat: 'A host may have reasons to start late, such as a connection that it waits for',
      evidence: [
        {
          ms: uptimeMs,
          fact: `start() was called ${formatDuration(uptimeMs)} after the start of the process`,
        },
      ],
    },
  ];
}

/** A plugin that decides how long the boot takes. */
export function findOnePlugin(story: Story): readonly Finding[] {
  const sums = new Map<string, number>();
  for (const { plugin, kind, startMs, endMs } of criticalChain(story)) {
    if (plugin === undefined || kind !== 'work') continue;
    sums.set(plugin, (sums.get(plugin) ?? 0) + endMs - startMs);
  }
  const [longest] = [...sums].toSorted((a, b) => b[1] - a[1]);
  if (!longest || story.record.plugins.length < 2) return [];
  const [plugin, ms] = longest;
  if (ms <= most * story.endMs || !isWorthALook(story, ms)) return [];
  const { savedMs, longest: next } = whatIf(story, { without: [plugin] });
  const then = next?.plugin === undefined ? '' : `; then ${next.plugin} is the longest part`;
  return [
    {
      id: 'one-plugin',
      title: `${plugin} is most of the boot: ${formatDuration(ms)} of ${formatDuration(story.endMs)}`,
      why: `The other plugins end earlier or wait for it; without its time the boot would take ${formatDuration(story.endMs - savedMs)}${then}`,
      caveat: 'The saving is the most that is possible: no step takes no time at all',
      evidence: blame(story)
        .filter((entry) => entry.plugin === plugin && entry.step !== 'stop' && entry.ownMs > 0)
        .map(({ step, ownMs }) => ({
          plugin,
          step: step as 'migrate' | 'init' | 'ready',
          ms: ownMs,
          fact: `${step} of ${plugin} took ${formatDuration(ownMs)}`,
        })),
      savedMs,
    },
  ];
}

/** A statement that decides how long the boot takes. */
export function findLongStatement(story: Story): readonly Finding[] {
  for (const { plugin = '', files } of blame(story).filter(({ step }) => step === 'migrate')) {
    const [longest] = files
      .flatMap(({ file, longest: statement }) => (statement ? [{ file, ...statement }] : []))
      .toSorted((a, b) => b.ms - a.ms);
    if (!longest || longest.ms <= most * story.endMs || !isWorthALook(story, longest.ms)) continue;
    const { file, statement, command, ms, line } = longest;
    const where = line === undefined ? '' : `, line ${line}`;
    return [
      {
        id: 'long-statement',
        title: `One statement took ${formatDuration(ms)} of ${formatDuration(story.endMs)}: ${printable(command)} in ${file} of ${plugin}`,
        why: 'A migration waits for each of its statements, and no plugin starts before the last migration has ended',
        caveat: 'It runs once for each database, so the next boot does not have it',
        evidence: [
          {
            plugin,
            step: 'migrate',
            ms,
            fact: `statement ${statement} of ${file}${where}: ${printable(command)}`,
          },
        ],
      },
    ];
  }
  return [];
}
