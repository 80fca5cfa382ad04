export const views = ['lanes', 'machines', 'graph', 'log', 'findings'] as const;
export type View = (typeof views)[number];

/** The reader's choices, as the address has them: a link shows the same, and so does the page when it is loaded again. */
export interface Choices {
  readonly view: View | undefined;
  readonly plugin: string | undefined;
  /** In ms from the start of what is shown: the boot, or the launch. */
  readonly moment: number | undefined;
  /** The launch into a boot that is up; `undefined` for the boot itself. */
  readonly launch: number | undefined;
}

export function readAddress(): Choices {
  const parts = new URLSearchParams(location.hash.slice(1));
  const at = parts.get('at');
  const moment = at === null ? Number.NaN : Number(at);
  return {
    view: views.find((view) => view === parts.get('view')),
    plugin: parts.get('plugin') ?? undefined,
    moment: Number.isFinite(moment) && moment >= 0 ? moment : undefined,
    launch: Number.parseInt(parts.get('launch') ?? '', 10) || undefined,
  };
}

export function writeAddress({ view, plugin, moment, launch }: Choices): void {
  const parts = new URLSearchParams();
  if (view !== undefined && view !== 'lanes') parts.set('view', view);
  if (launch !== undefined) parts.set('launch', String(launch));
  if (plugin !== undefined) parts.set('plugin', plugin);
  if (moment !== undefined) parts.set('at', String(Math.round(moment)));
  const hash = parts.size === 0 ? '' : `#${parts}`;
  history.replaceState(null, '', `${location.pathname}${location.search}${hash}`);
}
