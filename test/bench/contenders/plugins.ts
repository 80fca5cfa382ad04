import type { Plugin, serviceRef as ServiceRef } from 'slipway';
import { shapes, type ShapeName } from '../shapes.ts';
import { idOf } from './order.ts';

/**
 * Plugins whose init does nothing: each provides a number, and depends on the plugins that its shape says. `serviceRef` is
 * handed in, so that the import of Slipway can be timed.
 */
export function generatePlugins(
  serviceRef: typeof ServiceRef,
  count: number,
  shape: ShapeName,
  folderOf: (id: string) => string | undefined = () => undefined,
): readonly Plugin[] {
  const needs = shapes[shape](count);
  const apis = needs.map((_, index) => serviceRef<number>(`${idOf(index)}.api`));
  return apis.map((api, index): Plugin => {
    const id = idOf(index);
    const migrations = folderOf(id);
    const deps = (needs[index] ?? []).flatMap((needed) => {
      const ref = apis[needed];
      return ref ? [[`plugin${needed}`, ref] as const] : [];
    });
    return {
      id,
      ...(migrations === undefined ? {} : { migrations }),
      deps: Object.fromEntries(deps),
      provides: { api },
      init: () => ({ api: index }),
    };
  });
}
