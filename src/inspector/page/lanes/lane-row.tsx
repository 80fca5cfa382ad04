import { useMemo } from 'preact/hooks';
import { formatDuration } from '../../../core/duration.ts';
import { joinNames, shorten } from '../../../core/printable.ts';
import type { ChainLink } from '../../../core/report.ts';
import type { Bar } from '../../../insight/exports/bars.ts';
import { shortenStatus, writeStatus, type Status } from '../../../insight/status.ts';
import { drawBars, type Scale, type Shape } from './lane-shapes.ts';
import { describeBars, describeLink, sumTime } from './lane-words.ts';

interface PluginRowProps {
  readonly id: string;
  /** Its place in the whole table. */
  readonly index: number;
  readonly isSelected: boolean;
  readonly isTabStop: boolean;
  readonly isInFold: boolean;
  readonly status: Status;
  readonly bars: readonly Bar[];
  readonly scale: Scale;
  /** The parts of the critical chain in this row. */
  readonly links: readonly ChainLink[];
}

/** The row of a plugin: its name and state, its waits and work, and the time that it took. */
export function PluginRow(props: PluginRowProps) {
  const { id, index, isSelected, isTabStop, isInFold, status, bars, scale, links } = props;
  const words = writeStatus(status);
  const linksKey = links.map(({ startMs, endMs }) => `${startMs} ${endMs}`).join();
  // A row whose bars are the same as before is not compared again.
  const drawn = useMemo(
    () => (
      <>
        <span class="unseen">{describeBars(bars)}</span>
        <div class="shapes" aria-hidden="true">
          {drawBars(bars, scale).map((shape, at) => (
            <ShapeBar key={at} shape={shape} />
          ))}
          {links.map((link) => (
            <ShapeBar key={`chain ${link.startMs}`} shape={underline(link, scale)} />
          ))}
        </div>
      </>
    ),
    [bars, scale, linksKey],
  );
  const timeMs = sumTime(bars);
  return (
    <tr
      class={`plugin${isInFold ? ' folded' : ''}`}
      aria-rowindex={index}
      aria-current={isSelected ? 'true' : undefined}
      data-plugin={id}
    >
      <th scope="row">
        <button type="button" class="name" data-row={`plugin ${id}`} tabIndex={isTabStop ? 0 : -1}>
          <span class={`glyph ${status.tone}`} aria-hidden="true">
            {status.glyph}
          </span>
          <span class="id" title={id}>
            {id}
          </span>{' '}
          <span class={`words ${status.tone}`} title={words}>
            {shortenStatus(status)}
          </span>
        </button>
      </th>
      <td class="bars">{drawn}</td>
      <td class="time">{timeMs > 0 && formatDuration(timeMs)}</td>
    </tr>
  );
}

function underline(link: ChainLink, { place }: Scale): Shape {
  const { startMs, endMs } = link;
  const title = `critical chain: ${describeLink(link)}`;
  return { classes: 'underline', from: place(startMs), to: place(endMs), title };
}

interface FoldRowProps {
  readonly plugin: string;
  readonly others: readonly string[];
  /** What the boot was to do with them. */
  readonly goal: string;
  readonly index: number;
  readonly isOpen: boolean;
  readonly isTabStop: boolean;
}

/** The row in the place of those that did not start because of one plugin. */
export function FoldRow({ plugin, others, goal, index, isOpen, isTabStop }: FoldRowProps) {
  return (
    <tr class="lane-fold" aria-rowindex={index}>
      <th scope="row" colSpan={3}>
        <button
          type="button"
          class="name"
          data-row={`fold ${plugin}`}
          data-fold={plugin}
          tabIndex={isTabStop ? 0 : -1}
          aria-expanded={isOpen}
          title={joinNames(shorten(others, 20))}
        >
          <span class="glyph" aria-hidden="true">
            {isOpen ? '▾' : '▸'}
          </span>
          {others.length} others did not {goal}
          <span class="unseen"> ({plugin})</span>
        </button>
      </th>
    </tr>
  );
}

/** One shape of a row. Its place is a part of the width, so that it needs no measuring. */
export function ShapeBar({
  shape,
  plugin,
}: {
  readonly shape: Shape;
  readonly plugin?: string | undefined;
}) {
  const { classes, from, to, title, label } = shape;
  const width = `${Math.round((to - from) * 1e5) / 1e3}%`;
  return (
    <div
      class={`lane-bar ${prefix(classes)}`}
      title={title}
      data-plugin={plugin}
      style={{ left: `${Math.round(from * 1e5) / 1e3}%`, width }}
    >
      {label !== undefined && <span>{label}</span>}
    </div>
  );
}

/** Other views have classes with the same short names. */
function prefix(classes: string): string {
  return classes.replaceAll(/\S+/g, 'is-$&');
}
