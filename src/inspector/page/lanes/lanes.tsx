import { useMemo, useRef, useState } from 'preact/hooks';
import { formatDuration } from '../../../core/duration.ts';
import type { ChainLink } from '../../../core/report.ts';
import { describeStatus } from '../../../insight/status.ts';
import { nameGoal } from '../../../insight/step-words.ts';
import type { Story } from '../../../insight/story.ts';
import type { Axis } from '../../../insight/timeline-axis.ts';
import { findShownEnd, placeChain, placePhases } from '../../../insight/timeline-frame.ts';
import { useAxis } from '../boot-axis.ts';
import type { Shown } from '../model.ts';
import type { ViewProps } from '../view-props.ts';
import { listTicks, type Mark } from './lane-axis.ts';
import { cutBand } from './lane-band.ts';
import { keepBars } from './lane-bars.ts';
import { ChainRow, LaneHead, percent } from './lane-head.tsx';
import { Legend } from './lane-legend.tsx';
import { FoldRow, PluginRow } from './lane-row.tsx';
import { findRow, listRows, nameRow, type LaneRow } from './lane-rows.ts';
import { useBand } from './lane-scroll.ts';
import './lanes.css';

/** With more plugins than this, names can be filtered. */
const manyPlugins = 12;
/** With more plugins than this, rows are lower. */
const crowdedPlugins = 24;
const rowHeights = { airy: 38, crowded: 26 } as const;
/** The rows above those of plugins: the axis and the critical chain. */
const headRows = 2;

/** A row for each plugin in the order of the graph, on one axis, under the row of what decides the time of the boot. */
export function Lanes({ story, latest, shown, selected, select }: ViewProps) {
  const [filter, setFilter] = useState('');
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [focus, setFocus] = useState<string>();
  const marks = useRef(new Set<string>());
  const { times, record } = story;
  const count = record.plugins.length;
  const isCrowded = count > crowdedPlugins;
  const rowHeight = isCrowded ? rowHeights.crowded : rowHeights.airy;

  // Moments of the past are placed on the axis of the whole boot, so that only the bars move with the scrubber.
  const axis = useAxis(latest, shown.connection);
  const chain = useMemo(() => placeChain(story, axis), [story, axis]);
  const links = useMemo(() => groupLinks(chain), [chain]);
  const chosen = shown.isChosen ? selected : undefined;
  const rows = useMemo(
    () => listRows(times, { filter, open, chosen }),
    [times, filter, open, chosen],
  );
  const tabStop = findTabStop(rows, focus, selected);
  const { scroller, seen, width } = useBand({
    rows,
    rowHeight,
    selected,
    isChosen: shown.isChosen,
    isRunning: shown.isRunning,
    focus,
  });
  const scale = useMemo(() => ({ place: axis.place, width }), [axis, width]);
  const ticks = useMemo(() => listTicks(axis, width, findShownEnd(latest)), [axis, width]);
  const mark = findMark(story, shown, axis);

  const press = (event: KeyboardEvent): void => {
    const next = chooseRow(rows, tabStop, event.key);
    if (!next) return;
    event.preventDefault();
    setFocus(nameRow(next));
    if ('plugin' in next) select(next.plugin.id);
  };
  const click = ({ target }: Event): void => {
    if (!(target instanceof Element)) return;
    const fold = target.closest<HTMLElement>('[data-fold]')?.dataset['fold'];
    if (fold !== undefined) {
      setOpen(toggle(open, fold));
      return;
    }
    const plugin = target.closest<HTMLElement>('tr')?.dataset['plugin'];
    if (plugin !== undefined) select(plugin);
  };
  const takeFocus = ({ target }: Event): void => {
    if (target instanceof HTMLElement) setFocus(target.dataset['row']);
  };

  const drawn = cutBand(rows.length, { ...seen, rowHeight }, tabStop).map((part) => {
    if ('skipped' in part) {
      return <Spacer key={`skipped ${part.from}`} height={part.skipped * rowHeight} />;
    }
    const row = rows[part.row];
    if (!row) return undefined;
    const place = { index: part.row + headRows + 1, isTabStop: part.row === tabStop };
    if ('fold' in row) {
      const { fold, others, isOpen: isUnfolded } = row;
      return (
        <FoldRow
          key={nameRow(row)}
          {...place}
          plugin={fold}
          others={others}
          goal={nameGoal(times.record)}
          isOpen={isUnfolded}
        />
      );
    }
    const { id } = row.plugin;
    const { bars, marks: own } = keepBars(times, row.plugin);
    for (const name of own) marks.current.add(name);
    return (
      <PluginRow
        key={nameRow(row)}
        {...place}
        id={id}
        isInFold={row.isInFold}
        isSelected={id === selected}
        status={describeStatus(times, row.plugin)}
        bars={bars}
        scale={scale}
        links={links.get(id) ?? none}
      />
    );
  });
  return (
    <div class={`lanes ${isCrowded ? 'crowded' : 'airy'}`}>
      <div class="lanes-tools">
        {count > manyPlugins && (
          <input
            type="search"
            class="filter"
            placeholder={`Filter ${count} plugins`}
            aria-label="Filter plugins by name"
            value={filter}
            onInput={({ currentTarget }) => setFilter(currentTarget.value)}
          />
        )}
        <Legend marks={marks.current} />
      </div>
      <div class="lanes-scroll" ref={scroller}>
        <div class="lanes-sheet">
          <table aria-label="Plugins" aria-rowcount={rows.length + headRows}>
            <colgroup>
              <col class="col-name" />
              <col />
              <col class="col-time" />
            </colgroup>
            <LaneHead
              ticks={ticks}
              gaps={axis.gaps}
              phases={placePhases(story, axis)}
              mark={mark}
              width={width}
            />
            <ChainRow chain={chain} width={width} select={select} />
            <tbody class="lane-rows" onClick={click} onKeyDown={press} onFocusIn={takeFocus}>
              {drawn}
            </tbody>
          </table>
          <Grid at={ticks.map((tick) => tick.at)} gaps={axis.gaps} mark={mark} />
        </div>
        {rows.length === 0 && (
          <p class="empty">{filter === '' ? 'No plugins yet' : 'No plugin has this name'}</p>
        )}
      </div>
    </div>
  );
}

const none: readonly ChainLink[] = [];

function groupLinks<T extends ChainLink>(chain: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const links = new Map<string, T[]>();
  for (const link of chain) {
    if (link.plugin === undefined) continue;
    const known = links.get(link.plugin);
    if (known) known.push(link);
    else links.set(link.plugin, [link]);
  }
  return links;
}

/** The moment that is marked: the one that the reader has chosen, now, or the end of the process. */
function findMark(story: Story, { moment }: Shown, { place }: Axis): Mark | undefined {
  const at = place(findShownEnd(story));
  if (moment !== undefined) return { at: place(story.nowMs), word: formatDuration(story.nowMs) };
  if (story.end === 'cutOff') return { at, word: 'ended here' };
  const { finished, stopping, stoppedAtMs } = story.record;
  const goesOn = stopping ? stoppedAtMs === undefined : finished === undefined;
  return goesOn ? { at, word: 'now' } : undefined;
}

function findTabStop(
  rows: readonly LaneRow[],
  focus: string | undefined,
  selected: string | undefined,
): number {
  const focused = rows.findIndex((row) => nameRow(row) === focus);
  return Math.max(0, focused >= 0 ? focused : findRow(rows, selected));
}

function chooseRow(rows: readonly LaneRow[], at: number, key: string): LaneRow | undefined {
  switch (key) {
    case 'ArrowDown':
      return rows[at + 1];
    case 'ArrowUp':
      return rows[at - 1];
    case 'Home':
      return rows[0];
    case 'End':
      return rows.at(-1);
    default:
      return undefined;
  }
}

function toggle(names: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(names);
  if (!next.delete(name)) next.add(name);
  return next;
}

/** The room of rows that are not drawn. */
function Spacer({ height }: { readonly height: number }) {
  return (
    <tr aria-hidden="true" class="spacer">
      <td colSpan={3} style={{ height: `${height}px` }} />
    </tr>
  );
}

interface GridProps {
  readonly at: readonly number[];
  readonly gaps: Axis['gaps'];
  readonly mark: Mark | undefined;
}

/** Lies behind the bars: the lines of the axis, what is drawn short, and now. */
function Grid({ at, gaps, mark }: GridProps) {
  return (
    <div class="lanes-grid" aria-hidden="true">
      {at.map((each) => (
        <i key={each} class="line" style={{ left: percent(each) }} />
      ))}
      {gaps.map(({ startMs, from, to }) => (
        <i key={startMs} class="gap" style={{ left: percent(from), width: percent(to - from) }} />
      ))}
      {mark && <i class="marked" style={{ left: percent(mark.at) }} />}
    </div>
  );
}
