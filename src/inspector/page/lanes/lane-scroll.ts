import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { findScroll, snapTop } from './lane-band.ts';
import { findRow, type LaneRow } from './lane-rows.ts';

interface Band {
  readonly rows: readonly LaneRow[];
  readonly rowHeight: number;
  readonly selected: string | undefined;
  readonly isChosen: boolean;
  readonly isRunning: boolean;
  /** The name of the row that has the focus. */
  readonly focus: string | undefined;
}

/** The size of the list when it was last shown: with it a tab is drawn once, and not again when it has been measured. */
let size = { height: 600, width: 600 };

/** While a boot runs, the page follows it at most this often, in ms. */
const followMs = 1_500;

/**
 * Watches the part of the list that is seen, and keeps the right row in it: the one that the reader has chosen or moved the focus
 * to, or else the one that the boot is about. Once the reader scrolls, the page follows no longer, until the next choice.
 */
export function useBand({ rows, rowHeight, selected, isChosen, isRunning, focus }: Band) {
  const scroller = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ top: 0, height: size.height });
  const [width, setWidth] = useState(size.width);
  /** What is seen exactly, and the place to which the page itself has scrolled last. */
  const at = useRef({ top: 0, height: size.height, own: 0 });
  const hasScrolled = useRef(false);
  const followed = useRef({ atMs: Number.NEGATIVE_INFINITY, key: '' });

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const look = (): void => {
      const { scrollTop: top } = element;
      // The head covers a part of the rows.
      const body = element.querySelector<HTMLElement>('.lane-rows');
      const height = element.clientHeight - (body?.offsetTop ?? 0);
      at.current = { ...at.current, top, height };
      const drawn = { top: snapTop(top, rowHeight), height };
      setSeen((last) => (last.top === drawn.top && last.height === height ? last : drawn));
      const cell = element.querySelector('thead .bars');
      if (cell) setWidth(cell.clientWidth);
      size = { height, width: cell?.clientWidth ?? size.width };
    };
    const scroll = (): void => {
      if (Math.abs(element.scrollTop - at.current.own) > 1) hasScrolled.current = true;
      look();
    };
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', scroll, { passive: true });
    look();
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', scroll);
    };
  }, [rowHeight]);

  useLayoutEffect(() => {
    const row = findRow(rows, selected);
    const key = `${selected} ${row} ${isChosen}`;
    const last = followed.current;
    const nowMs = performance.now();
    if (row < 0 || key === last.key) return;
    if (isChosen) hasScrolled.current = false;
    else if (hasScrolled.current || (isRunning && nowMs - last.atMs < followMs)) return;
    followed.current = { atMs: nowMs, key };
    reveal(row);
  });

  useLayoutEffect(() => {
    if (focus === undefined) return;
    const element = scroller.current?.querySelector<HTMLElement>(
      `[data-row="${CSS.escape(focus)}"]`,
    );
    if (!element || element === document.activeElement) return;
    element.focus({ preventScroll: true });
    const index = element.closest('tr')?.ariaRowIndex;
    if (index) reveal(Number(index) - 3);
  }, [focus]);

  return { scroller, seen, width };

  function reveal(row: number): void {
    const element = scroller.current;
    // Places are remembered, because asking for them would lay the page out before it is drawn.
    const top = findScroll(row, { ...at.current, rowHeight });
    if (!element || top === undefined) return;
    element.scrollTop = top;
    const { scrollTop } = element;
    at.current = { ...at.current, top: scrollTop, own: scrollTop };
  }
}
