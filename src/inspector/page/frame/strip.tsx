import { formatDuration } from '../../../core/duration.ts';
import type { Phase } from '../../../core/steps.ts';
import type { PhaseRecord } from '../../../insight/boot-record.ts';
import type { Story } from '../../../insight/story.ts';
import './strip.css';

/** The way that every boot takes; the way down is added when it begins. */
const way: readonly Phase[] = ['discover', 'sort', 'migrateAll', 'initAll'];

/** The machines as a strip of states, with those lit that the boot is in. */
export function Strip({ story }: { readonly story: Story }) {
  const { record } = story;
  const isUp = record.phases.some(
    ({ phase, outcome }) => phase === 'initAll' && outcome === 'done',
  );
  const last = record.onlyMigrates ? 'migrated' : 'ready';
  const hasEnded = record.finished?.outcome === 'migrated' || isUp;
  const phases = record.onlyMigrates ? way.slice(0, 3) : way;
  const stop = record.findPhase('stopAll');
  return (
    <ol class="strip" aria-label="Phases">
      {phases.map((phase) => (
        <State key={phase} name={phase} story={story} record={record.findPhase(phase)} />
      ))}
      <li class={hasEnded && !record.stopping ? 'now good' : hasEnded ? 'done' : 'next'}>
        <span class="glyph" aria-hidden="true">
          {hasEnded ? '✓' : '○'}
        </span>
        {last}
      </li>
      {stop && <State name="stopAll" story={story} record={stop} />}
    </ol>
  );
}

interface StateProps {
  readonly name: Phase;
  readonly story: Story;
  readonly record: PhaseRecord | undefined;
}

const glyphs = { running: '●', done: '✓', failed: '✕', canceled: '■' } as const;
const classes = { running: 'now', done: 'done', failed: 'bad', canceled: 'canceled' } as const;
const spoken = {
  running: ', now',
  done: ', done',
  failed: ', failed',
  canceled: ', canceled',
} as const;

function State({ name, story, record }: StateProps) {
  if (!record) {
    return (
      <li class="next">
        <span class="glyph" aria-hidden="true">
          ○
        </span>
        {name}
      </li>
    );
  }
  const { outcome, startMs, endMs = story.nowMs } = record;
  const inner = outcome === 'running' ? findState(story, name) : undefined;
  return (
    <li class={classes[outcome]} aria-current={outcome === 'running' ? 'step' : undefined}>
      <span class="glyph" aria-hidden="true">
        {glyphs[outcome]}
      </span>
      {name}
      <span class="unseen">{spoken[outcome]}</span>
      {inner !== undefined && <span class="inner">{inner}</span>}
      <span class="soft time">{formatDuration(endMs - startMs)}</span>
    </li>
  );
}

/** The state that the machine of a phase is in, with its progress. */
function findState({ machineRecords, record }: Story, phase: Phase): string | undefined {
  const actor = machineRecords.findLast(
    (each) => each.type === 'machine.actor' && each.src === phase,
  );
  const last = machineRecords.findLast(
    (each) => each.type === 'machine.transition' && each.ref === actor?.ref,
  );
  const state = last?.type === 'machine.transition' ? last.to : undefined;
  const progress = countSettled({ record }, phase);
  return [state, progress].filter(Boolean).join(' ') || undefined;
}

/** `4 of 6`: how many plugins have come through a phase. */
export function countSettled({ record }: Pick<Story, 'record'>, phase: Phase): string | undefined {
  const step = phase === 'migrateAll' ? 'migrate' : phase === 'initAll' ? 'init' : undefined;
  if (step === undefined) return undefined;
  return `${record.moments[step].ended} of ${record.pluginCount}`;
}
