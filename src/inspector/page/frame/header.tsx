import { formatDuration } from '../../../core/duration.ts';
import { headline } from '../../../insight/headline.ts';
import { listChanges } from '../../../insight/list-changes.ts';
import type { BootRecord } from '../../../insight/boot-record.ts';
import type { Story } from '../../../insight/story.ts';
import type { Connection, Shown } from '../model.ts';
import type { ViewProps } from '../view-props.ts';
import { Launches } from './launches.tsx';
import { describeOutcome } from './outcome.ts';
import { Strip } from './strip.tsx';
import './header.css';

interface HeaderProps extends Pick<ViewProps, 'choose'> {
  readonly shown: Shown;
}

/** The answer to the first question: what does the boot do, or how did it end? */
export function Header({ shown, choose }: HeaderProps) {
  const { story, latestBoot, problem } = shown;
  const sentence = problem ?? (story ? headline(story) : waiting[shown.connection]);
  return (
    <header class="top">
      {story && latestBoot && <Launches boot={latestBoot} launch={story.launch} choose={choose} />}
      <div class="topline">
        {story && <Standing story={story} />}
        {story && <Progress record={story.record} />}
        <span class="name">{story ? nameBoot(story.record) : 'Slipway'}</span>
        {story && <span class="soft">{story.record.start?.host}</span>}
        <Line shown={shown} />
        {story && <output class="elapsed">{formatDuration(story.endMs)}</output>}
      </div>
      {/* A long sentence scrolls, by the keyboard too. */}
      <h1 {...(sentence.length > 300 && { tabIndex: 0 })}>{sentence}</h1>
      {story && <Strip story={story} />}
      {story && latestBoot && <Spoken story={story} boot={latestBoot} />}
    </header>
  );
}

const waiting: Readonly<Record<Connection, string>> = {
  connecting: 'Connecting to the boot',
  live: 'The boot has not begun',
  lost: 'The boot does not answer. Trying again',
  refused: 'The boot does not let this page in. Open the whole address that the program printed.',
  over: 'The boot was stopped before it began',
};

function nameBoot({ start }: BootRecord): string {
  const { name, version } = start?.hostApp ?? { name: 'Boot' };
  return version === undefined ? name : `${name} ${version}`;
}

function Standing({ story }: { readonly story: Story }) {
  const { stopping, stoppedAtMs } = story.record;
  const [glyph, word, tone] = describeOutcome(story);
  const isStopping = stopping !== undefined && stoppedAtMs === undefined;
  return (
    <span class={`standing ${tone}`}>
      <span aria-hidden="true">{glyph}</span> {word}
      {isStopping && ', stopping'}
      {stoppedAtMs !== undefined && ', stopped'}
    </span>
  );
}

/** `phase 3 of 4`, as long as the boot is on its way up. */
function Progress({ record: { start, phases, finished } }: { readonly record: BootRecord }) {
  const count = start?.until === 'migrated' ? 3 : 4;
  if (finished || phases.length === 0 || phases.length > count) return null;
  return (
    <span class="soft">
      phase {phases.length} of {count}
    </span>
  );
}

/** Says whether what is shown is now. */
function Line({ shown }: { readonly shown: Shown }) {
  const { connection, moment, latestBoot } = shown;
  const isLive = connection === 'live' && latestBoot?.record.stoppedAtMs === undefined;
  if (connection === 'lost') {
    return (
      <span class="line bad">
        The connection is lost: this is the last that is known. Trying again
      </span>
    );
  }
  if (connection === 'refused') {
    return <span class="line bad">The connection is lost: this is the last that is known</span>;
  }
  if (moment !== undefined) return <span class="line warn">A moment of the past</span>;
  return <span class="line soft">{isLive ? '● live' : 'recording'}</span>;
}

/** What a screen reader says by itself: the beginning of each phase, failures, the end, and the plugins that come and go. */
function Spoken({ story, boot }: { readonly story: Story; readonly boot: Story }) {
  const { phases, plugins, finished } = story.record;
  const phase = phases.at(-1)?.phase;
  const failed = plugins.filter(({ steps }) =>
    Object.values(steps).some(({ outcome }) => outcome === 'failed' || outcome === 'timeout'),
  );
  const news = finished ? headline(story) : phase && `Phase ${phase}`;
  const change = listChanges(boot.record).at(-1)?.says;
  return (
    <p class="unseen" role="status">
      {news}
      {change !== undefined && `. ${change}`}
      {failed.length > 0 && !finished && `. Failed: ${failed.map(({ id }) => id).join(', ')}`}
    </p>
  );
}
