import type { AnyActorRef, AnyEventObject } from 'xstate';
import type { MachineNews } from '../../machines/index.ts';
import type { Edge } from './explore.ts';

export function law(holds: boolean, text: string): asserts holds {
  if (!holds) throw new Error(`Broken law: ${text}`);
}

export function toldIn({ effects }: Edge): readonly MachineNews[] {
  return effects.flatMap(({ type, params }) => (type === 'tell' ? [params as MachineNews] : []));
}

/** Ids of the children that begin, invoked ones too. */
export function begunIn({ effects }: Edge): readonly string[] {
  return effects.flatMap(({ type, params }) =>
    type === 'xstate.spawnChild' ? [(params as { id: string }).id] : [],
  );
}

/** The slot that a task is given; 0 when it is given none. */
export function slotIn(effects: Edge['effects'], child: string): number {
  const spawned = effects.flatMap(({ type, params }) =>
    type === 'xstate.spawnChild' ? [params as { id: string; input?: { slot?: number } }] : [],
  );
  return spawned.find(({ id }) => id === child)?.input?.slot ?? 0;
}

/** What the child that begins is given. */
export function inputIn({ effects }: Edge): unknown {
  const spawned = effects.find(({ type }) => type === 'xstate.spawnChild');
  return (spawned?.params as { readonly input?: unknown } | undefined)?.input;
}

export function endedIn(event: AnyEventObject): Ended | null {
  if (!event.type.startsWith('xstate.')) return null;
  const { actorId: child, output } = event as { actorId?: string; output?: { status: string } };
  if (child === undefined) return null;
  const [task = '', plugin = ''] = child.split('.');
  return { child, task, plugin, status: output?.status ?? 'failed' };
}

/** A child that has ended. */
export interface Ended {
  readonly child: string;
  readonly task: string;
  readonly plugin: string;
  readonly status: string;
}

/** What children are sent, each with the one it is sent to. */
export function sentIn({ effects }: Edge): readonly { to: string; event: AnyEventObject }[] {
  return effects.flatMap(({ type, params }) => {
    if (type !== 'xstate.sendTo') return [];
    const { to, event } = params as { to: AnyActorRef; event: AnyEventObject };
    return [{ to: to.id, event }];
  });
}

/** News in a few words, without errors and explanations. */
export function nameNews(news: MachineNews): string {
  const launch = 'launch' in news ? ` of launch ${news.launch}` : '';
  switch (news.type) {
    case 'phase.started':
      return `started ${news.phase}${launch}`;
    case 'phase.finished':
      return `finished ${news.phase}${launch}`;
    case 'launch.started':
      return `started${launch}`;
    case 'launch.finished':
      return `finished${launch} ${news.outcome}`;
    case 'removal.started':
      return `started removal ${news.removal} of ${news.plugins.join(' and ')}`;
    case 'removal.finished':
      return `finished removal ${news.removal} ${news.outcome}`;
    default:
      return `${news.type} ${news.plugin} ${news.outcome}`;
  }
}
