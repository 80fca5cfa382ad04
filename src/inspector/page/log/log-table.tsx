import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { chooseLevel } from '../../../core/event-levels.ts';
import { printable } from '../../../core/printable.ts';
import { describeEvent } from '../../../insight/describe-event.ts';
import type { RecordedEvent } from '../../../insight/recorded-event.ts';
import { chooseRows, rowHeight } from '../bands.ts';
import { PluginLink } from '../parts.tsx';
import { readPlugin } from './log-filter.ts';

interface LogTableProps {
  readonly events: readonly RecordedEvent[];
  /** Whether there are launches: then each event says which one it belongs to. */
  readonly hasLaunches: boolean;
  readonly select: (event: RecordedEvent, plugin: string) => void;
  readonly goTo: (event: RecordedEvent) => void;
  readonly opened: RecordedEvent | undefined;
  readonly open: (event: RecordedEvent | undefined) => void;
}

/** The events as a table of which only the visible rows are drawn. It follows the end while the reader is there. */
export function LogTable({ events, hasLaunches, opened, open, select, goTo }: LogTableProps) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  const isAtEnd = useRef(true);
  const look = (): void => {
    const { scrollTop: top = 0, clientHeight: height = 0, scrollHeight = 0 } = box.current ?? {};
    isAtEnd.current = top + height >= scrollHeight - rowHeight;
    setView({ top, height });
  };
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) element.scrollTop = element.scrollHeight;
      look();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (element && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [events.length]);
  const [from, to] = chooseRows(events.length, view.top, view.height);
  return (
    <div class="rows-box" ref={box} onScroll={look}>
      <table aria-rowcount={events.length + 1}>
        <thead>
          <tr>
            <th scope="col" class="time">
              Time
            </th>
            {hasLaunches && (
              <th scope="col" class="launch-number">
                Launch
              </th>
            )}
            <th scope="col" class="plugin">
              Plugin
            </th>
            <th scope="col" class="type">
              Event
            </th>
            <th scope="col">What happened</th>
          </tr>
        </thead>
        <tbody>
          <Space rows={from} />
          {events.slice(from, to).map((event, at) => (
            <Row
              key={event.seq}
              event={event}
              index={from + at + 2}
              isOpen={event === opened}
              hasLaunches={hasLaunches}
              open={open}
              select={select}
              goTo={goTo}
            />
          ))}
          <Space rows={events.length - to} />
        </tbody>
      </table>
    </div>
  );
}

/** The place of rows that are not drawn. */
function Space({ rows }: { readonly rows: number }) {
  if (rows <= 0) return null;
  return (
    <tr aria-hidden="true">
      <td colSpan={5} style={{ height: `${rows * rowHeight}px` }} />
    </tr>
  );
}

interface RowProps extends Pick<LogTableProps, 'hasLaunches' | 'open' | 'select' | 'goTo'> {
  readonly event: RecordedEvent;
  readonly index: number;
  readonly isOpen: boolean;
}

function Row({ event, index, isOpen, hasLaunches, open, select, goTo }: RowProps) {
  const { elapsedMs, type, launch } = event;
  const plugin = readPlugin(event);
  const level = chooseLevel(event);
  return (
    <tr class={isOpen ? `is-${level} open` : `is-${level}`} aria-rowindex={index}>
      <td class="time">
        <button type="button" class="link" title="Show this moment" onClick={() => goTo(event)}>
          {(elapsedMs / 1_000).toFixed(3)}s
        </button>
      </td>
      {hasLaunches && <td class="launch-number">{launch}</td>}
      <td class="plugin">
        {plugin !== undefined && <PluginLink id={plugin} select={(id) => select(event, id)} />}
      </td>
      <td class="type">{printable(type)}</td>
      <td>
        <button
          type="button"
          class="what"
          aria-expanded={isOpen}
          onClick={() => open(isOpen ? undefined : event)}
        >
          {level === 'error' && <strong class="mark">✕ error </strong>}
          {level === 'warn' && <strong class="mark">⚠ warning </strong>}
          {describeEvent(event) || type}
        </button>
      </td>
    </tr>
  );
}
