import type { Boot } from 'slipway';

/** A plugin as the index page shows it. */
export interface ListedPlugin {
  readonly id: string;
  /** The package in which it was found; left out for one of the shop's own. */
  readonly package?: string;
  readonly isOptional: boolean;
  readonly isDisabled: boolean;
  /** The plugins that it starts after, because it uses something of theirs. */
  readonly uses: readonly string[];
}

/** The shop's own migrations take part in the boot under this id, and every plugin comes after them. */
const hostId = 'host';

/**
 * Lists the plugins of a boot, by id. The list comes from the events of the boot, because some plugins are discovered.
 *
 * @example const plugins = listPlugins(boot); // before boot.start()
 */
export function listPlugins(boot: Pick<Boot, 'on'>): () => readonly ListedPlugin[] {
  const known = new Map<string, ListedPlugin>();
  boot.on('plugin.discovered', ({ plugin: id, required, enabled, source }) => {
    if (id === hostId) return;
    known.set(id, {
      id,
      ...(source && { package: source.package }),
      isOptional: !required,
      isDisabled: !enabled,
      uses: [],
    });
  });
  boot.on('graph.sorted', ({ edges }) => {
    for (const { from, to } of edges) {
      const plugin = known.get(to);
      if (plugin && from !== hostId) known.set(to, { ...plugin, uses: [...plugin.uses, from] });
    }
  });
  boot.on('removal.finished', ({ plugins }) => {
    for (const id of plugins) known.delete(id);
  });
  return () => [...known.values()].toSorted((a, b) => a.id.localeCompare(b.id));
}
