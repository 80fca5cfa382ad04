import type { Story } from '../insight.ts';
import { UsageError } from './exit-codes.ts';
import { count } from './page.ts';

const namedLaunches = 8;
const namedPlugins = 3;

/**
 * Chooses the launch that a question is about; without a number, the boot itself.
 *
 * @throws UsageError when there is no such launch
 */
export function chooseLaunch(story: Story, text: string | undefined): Story {
  if (text === undefined) return story;
  const found = /^\d{1,9}$/.test(text) ? story.findLaunch(Number(text)) : undefined;
  if (found?.record.start) return found;
  const known = listLaunches(story);
  throw new UsageError(
    `This boot has no launch "${text}".`,
    known.length === 0
      ? 'No plugins were added while it was up.'
      : `It has ${nameFirst(known, namedLaunches)}.`,
  );
}

/**
 * Describes in one line the launches into a boot while it was up; `undefined` when there were none.
 *
 * @example '2 launches followed: --launch 2 (reviews), --launch 3 (broken, failed)'
 */
export function describeLaunches(story: Story): string | undefined {
  const known = listLaunches(story);
  if (known.length === 0) return undefined;
  const named = nameFirst(known, namedLaunches);
  return `${count(known.length, 'launch', 'launches')} followed: ${named}`;
}

/** Finds the option for the launch that has added a plugin: `--launch 2`. */
export function findLaunchOf(story: Story, plugin: string): string | undefined {
  const launch = story.record.launches.findLast(({ record }) => record.find(plugin));
  return launch && `--launch ${launch.number}`;
}

/** A launch whose turn never came has nothing to show. */
function listLaunches({ record }: Story): readonly string[] {
  return record.launches
    .filter((launch) => launch.record.start !== undefined)
    .map(({ number, plugins, record: { finished } }) => {
      const outcome = finished
        ? finished.outcome === 'ready'
          ? []
          : [finished.outcome]
        : ['runs'];
      return `--launch ${number} (${[nameFirst(plugins, namedPlugins), ...outcome].join(', ')})`;
    });
}

/** Names the first of several, and counts the others. */
function nameFirst(names: readonly string[], most: number): string {
  const more = names.length - most;
  return [...names.slice(0, most), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
