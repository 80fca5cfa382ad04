import { useRef } from 'preact/hooks';
import type { Story } from '../../insight/story.ts';
import type { Axis } from '../../insight/timeline-axis.ts';
import { findShownEnd, layBootAxis } from '../../insight/timeline-frame.ts';

/** Each story is laid out once, for all parts of the page. */
const laid = new WeakMap<Story, { readonly isOpen: boolean; readonly axis: Axis }>();

/** Lays the axis of a boot; it has room to grow while there is hope for more lines. */
export function layShownAxis(latest: Story, connection: string): Axis {
  const isOpen = connection !== 'over' && connection !== 'refused';
  const known = laid.get(latest);
  if (known?.isOpen === isOpen) return known.axis;
  const axis = layBootAxis(latest, isOpen);
  laid.set(latest, { isOpen, axis });
  return axis;
}

/** The axis of a boot: the same one as before until something moves on it. */
export function useAxis(latest: Story, connection: string): Axis {
  const last = useRef<{ readonly key: string; readonly axis: Axis } | undefined>(undefined);
  const axis = layShownAxis(latest, connection);
  const key = [
    axis.perMs,
    ...axis.gaps.flatMap((gap) => [gap.startMs, gap.from, gap.endMs]),
  ].join();
  if (last.current?.key !== key) last.current = { key, axis };
  return last.current.axis;
}

/** The last moment of the slider: the last that is shown. */
export function findLastMoment(story: Story): number {
  return Math.max(1, findShownEnd(story));
}
