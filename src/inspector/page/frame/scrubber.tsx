import { formatDuration } from '../../../core/duration.ts';
import { findTime, type Axis } from '../../../insight/timeline-axis.ts';
import { placePhases } from '../../../insight/timeline-frame.ts';
import { findLastMoment, useAxis } from '../boot-axis.ts';
import type { ViewProps } from '../view-props.ts';
import './scrubber.css';

/** The slider has so many places. */
const places = 1_000;
/** An arrow key goes on by so many; PageUp and PageDown by a tenth of all. */
const smallStep = 5;
const steps: Readonly<Record<string, number>> = {
  ArrowLeft: -smallStep,
  ArrowDown: -smallStep,
  ArrowRight: smallStep,
  ArrowUp: smallStep,
  PageDown: -places / 10,
  PageUp: places / 10,
};

/**
 * The moment that every view shows: the reader moves it, plays the boot again, or follows it. It has the axis of the lanes, so
 * that a long stretch in which nothing happens is short here, too.
 */
export function Scrubber({ latest, shown, goTo, play }: ViewProps) {
  const { moment, isPlaying, isRunning } = shown;
  const axis = useAxis(latest, shown.connection);
  const endMs = findLastMoment(latest);
  const at = Math.min(moment ?? endMs, endMs);
  const isBehind = moment !== undefined;
  const now = isRunning ? 'Follow' : 'To the end';
  const place = Math.round(axis.place(at) * places);
  const goToPlace = (to: number): number => Math.min(findTime(axis, to / places), endMs);
  const press = (event: KeyboardEvent): void => {
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const to = goToPlace(Math.max(0, place + step));
    // In a boot of a few milliseconds a place is less than one.
    const least = at + Math.sign(step);
    const next = step < 0 ? Math.min(to, least) : Math.max(to, least);
    goTo(Math.min(Math.max(0, next), endMs));
  };
  return (
    <footer class="scrubber">
      <button type="button" class="quiet" onClick={play}>
        <span aria-hidden="true">{isPlaying ? '❙❙' : '▶'}</span> {isPlaying ? 'Pause' : 'Play'}
      </button>
      <div class="track">
        <Phases latest={latest} axis={axis} />
        <input
          type="range"
          min={0}
          max={places}
          value={place}
          aria-label="Moment of the boot"
          aria-valuetext={`${formatDuration(at)} after the start`}
          onKeyDown={press}
          onInput={(event) => goTo(goToPlace(Number(event.currentTarget.value)))}
        />
      </div>
      <output class="moment">
        {formatDuration(at)} <span class="soft">of {formatDuration(endMs)}</span>
      </output>
      <button type="button" class="quiet" disabled={!isBehind} onClick={() => goTo(undefined)}>
        {now}
      </button>
    </footer>
  );
}

interface PhasesProps extends Pick<ViewProps, 'latest'> {
  readonly axis: Axis;
}

function Phases({ latest, axis }: PhasesProps) {
  return (
    <div class="track-phases" aria-hidden="true">
      {placePhases(latest, axis).map(({ phase, startMs, from, to }) => (
        <span
          key={`${phase} ${startMs}`}
          class={`phase-${phase}`}
          title={phase}
          style={{ left: `${100 * from}%`, width: `${100 * (to - from)}%` }}
        />
      ))}
    </div>
  );
}
