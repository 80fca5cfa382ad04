import { joinNames, shorten } from '../core/printable.ts';
import { isSuccess } from '../core/schedule.ts';
import type { PluginRecord } from './plugin-record.ts';
import type { Evidence, Finding } from './finding.ts';
import { launchSteps } from './step-times.ts';
import type { Story } from './story.ts';
import { firstLine } from './step-words.ts';

/** Optional plugins that failed by themselves, each with the plugins that are lost by it. */
export function findLostPlugins(story: Story): readonly Finding[] {
  const { record } = story;
  const { onlyMigrates } = record;
  if (record.finished && !['degraded', 'migrated'].includes(record.finished.outcome)) return [];
  return record.plugins.flatMap((plugin): readonly Finding[] => {
    const loss = findFailure(plugin);
    if (plugin.required || !loss) return [];
    const others = listLost(story, plugin.id);
    const message = firstLine(loss.error?.message ?? `its ${loss.step} is ${loss.outcome}`);
    const names = joinNames(shorten(others, 3));
    const verb = others.length === 1 ? 'is' : 'are';
    const goal = onlyMigrates ? 'migrated' : 'up';
    const facts: readonly Evidence[] = [
      { plugin: plugin.id, step: loss.step, fact: `${loss.step} of ${plugin.id}: ${message}` },
      ...others.map((id) => ({
        plugin: id,
        fact: `${id} needs ${plugin.id}, directly or through others`,
      })),
    ];
    return [
      {
        id: 'lost-plugin',
        title: `${plugin.id} is not ${goal}${others.length === 0 ? '' : `, so ${names} ${verb} not ${goal} either`}`,
        why: `${plugin.id} is optional, so the boot goes on without it: ${message}`,
        caveat: onlyMigrates
          ? 'The next boot tries it again'
          : 'What it offers is missing until the next start of the process',
        evidence: facts,
      },
    ];
  });
}

function findFailure({ steps }: PluginRecord) {
  const step = launchSteps.find((each) =>
    ['failed', 'timeout'].includes(steps[each].outcome ?? ''),
  );
  return step && { ...steps[step], step };
}

/** Lists the plugins that did not come up because they need one, directly or through others. */
function listLost({ record }: Story, id: string): readonly string[] {
  const lost = new Set([id]);
  const needs = new Map<string, string[]>();
  for (const { from, to, kind } of record.edges) {
    if (kind !== 'needs') continue;
    const known = needs.get(to);
    if (known) known.push(from);
    else needs.set(to, [from]);
  }
  // The plugins are in the order of the graph, so those that a plugin needs come before it.
  for (const plugin of record.plugins) {
    const isUp = isSuccess(plugin.steps.ready.outcome ?? 'done');
    if (!isUp && needs.get(plugin.id)?.some((from) => lost.has(from))) lost.add(plugin.id);
  }
  lost.delete(id);
  return [...lost];
}
