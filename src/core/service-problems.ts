import { coreServiceIds } from './core-services.ts';
import { problem, type Problem } from './error-codes.ts';
import type { Plugin } from './plugin.ts';
import { listNames } from './printable.ts';
import type { AnyRef, ProvidableRef } from './service.ts';

/** Finds the services that have two providers: plugins, the host or Slipway. */
export function* findRivals(
  services: ReadonlyMap<string, readonly string[]>,
  hostServices: readonly ProvidableRef[],
): Iterable<Problem> {
  const ofHost = hostServices.filter(({ kind }) => kind === 'service').map(({ id }) => id);
  for (const id of new Set([...ofHost, ...services.keys()])) {
    const owners = services.get(id) ?? [];
    const rivals = [
      ...(coreServiceIds.has(id) ? ['slipway'] : []),
      ...ofHost.filter((other) => other === id).map(() => 'the host'),
      ...owners,
    ];
    if (rivals.length < 2) continue;
    const [only, ...others] = new Set(rivals);
    const by = others.length === 0 ? `${only}, ${rivals.length} times` : listNames(rivals, ' and ');
    const plugin = owners.at(-1);
    yield problem('SERVICE_DUPLICATE', `${id} is provided by ${by}`, { ...(plugin && { plugin }) });
  }
}

/** The users of one id, by their names. */
interface Users {
  readonly service: Set<string>;
  readonly collection: Set<string>;
  /** The plugin that was listed last. */
  plugin?: string;
}

/** Finds the ids that name a service at one place and a collection at another, each with its problem. */
export function findAmbiguous(
  plugins: readonly Plugin[],
  hostServices: readonly ProvidableRef[],
): ReadonlyMap<string, Problem> {
  const users = new Map<string, Users>();
  const add = ({ kind, id }: AnyRef, name: string): Users => {
    const known = users.get(id) ?? { service: new Set(), collection: new Set() };
    users.set(id, known);
    known[kind === 'collection' ? 'collection' : 'service'].add(name);
    return known;
  };
  for (const id of coreServiceIds) add({ kind: 'service', id }, 'slipway');
  for (const ref of hostServices) add(ref, 'the host');
  for (const { id, deps = {}, provides = {} } of plugins) {
    for (const ref of [...Object.values(provides), ...Object.values(deps)]) {
      add(ref, id).plugin = id;
    }
  }
  const problems = new Map<string, Problem>();
  for (const [id, { service, collection, plugin }] of users) {
    if (service.size === 0 || collection.size === 0) continue;
    const message = `${id} is a service for ${list(service)}, and a collection for ${list(collection)}`;
    problems.set(id, problem('SERVICE_AMBIGUOUS', message, { ...(plugin && { plugin }) }));
  }
  return problems;
}

function list(names: ReadonlySet<string>): string {
  return listNames([...names], ' and ');
}
