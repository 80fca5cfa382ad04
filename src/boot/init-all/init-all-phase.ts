import { fromTask, type Tasks } from '../../../machines/index.ts';
import { getPluginSchemaName } from '../../core/schema-name.ts';
import { AdvisoryLocks } from '../../postgres/locks/advisory-lock-service.ts';
import { openScopedPool } from '../../postgres/scoped/scoped-pool.ts';
import type { RunAround } from '../around/around.ts';
import type { MigrateAllPhase } from '../migrate-all/migrate-all-phase.ts';
import type { SortPhase } from '../sort/sort-phase.ts';
import { PluginRunner } from './plugin-runner.ts';

interface InitAllPhase {
  readonly tasks: Pick<Tasks, 'init' | 'ready' | 'stop'>;
  /** Ends every plugin that the machine has not stopped, which happens only when the machine breaks. */
  readonly end: () => Promise<void>;
}

/** The last phase on the way up: the plugins' own code. It also stops them on the way down. */
export function initAllPhase(
  around: RunAround,
  sort: SortPhase,
  migrateAll: MigrateAllPhase,
): InitAllPhase {
  const { settings, clock, pool, cut, task } = around;
  const locks = new AdvisoryLocks({
    source: settings.migrationSource,
    clock,
    pooler: settings.pooler,
    connectWaitMs: settings.connect.wait,
    cut,
  });
  const runner = new PluginRunner(around, sort.graph, {
    scopedPool: (plugin) => {
      const schema = getPluginSchemaName(plugin, settings.migrations.schemaPrefix);
      return openScopedPool(pool, schema, migrateAll.searchPath(schema));
    },
    locksFor: (life) => locks.serviceFor(life),
  });
  return {
    tasks: {
      init: task(({ input, signal }) => runner.init(input.plugin, signal)),
      ready: task(({ input, signal }) => runner.ready(input.plugin, signal)),
      // A stop has a time limit of its own and cannot be canceled.
      stop: fromTask(({ input }) => runner.stop(input.plugin)),
    },
    async end() {
      await runner.endAll();
      await locks.close();
    },
  };
}
