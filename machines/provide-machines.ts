import { bootMachine } from './boot-machine.ts';
import { initAllMachine } from './init-all-machine.ts';
import { launchMachine } from './launch-machine.ts';
import { migrateAllMachine } from './migrate-all-machine.ts';
import type { MachineNews } from './news.ts';
import { stopAllMachine } from './stop-all-machine.ts';
import type { Tasks } from './tasks.ts';

/**
 * Provides the boot machine with real tasks and a listener.
 *
 * @param tell Must not throw, because no machine could catch the error.
 * @example createActor(provideMachines(tasks, relay.tell), { input: { migrateWidth: 4, initWidth: 8 } })
 */
export function provideMachines(
  tasks: Tasks,
  tell: (news: MachineNews) => void,
): typeof bootMachine {
  const actions = { tell: (_: unknown, news: MachineNews): void => tell(news) };
  const { discover, sort, survey, migrate, wait, register, init, ready, stop } = tasks;
  const migrateAll = migrateAllMachine.provide({
    actors: { survey, migrate, wait, register },
    actions,
  });
  const initAll = initAllMachine.provide({ actors: { init, ready }, actions });
  const stopAll = stopAllMachine.provide({ actors: { stop }, actions });
  const launch = launchMachine.provide({
    actors: { discover, sort, migrateAll, initAll },
    actions,
  });
  return bootMachine.provide({ actors: { launch, stopAll }, actions });
}
