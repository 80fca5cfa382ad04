import { manualClock, type ManualClock } from 'slipway/testing';
import { createActor } from 'xstate';
import {
  fromTask,
  provideMachines,
  type DiscoverResult,
  type FlushResult,
  type InitResult,
  type InSlot,
  type MigrateResult,
  type OfPlugin,
  type ReadyResult,
  type RegisterResult,
  type SortResult,
  type StopResult,
  type SurveyResult,
  type Tasks,
  type WaitResult,
} from '../../machines/index.ts';
import { StatementCount } from '../../src/boot/around/statement-count.ts';
import { Relay } from '../../src/boot/relay.ts';
import type { BootEvent } from '../../src/core/events.ts';
import { sleep } from '../../src/core/patience.ts';
import type { GraphNode } from '../../src/core/schedule.ts';
import type { BootOutcome, PhaseOutcome } from '../../src/core/steps.ts';
import { nameAt, type Ending, type StagedBoot, type StagedPlugin } from './staged-plan.ts';

/**
 * Runs a staged boot to its end, or to `untilMs`.
 *
 * @returns Its events, and the time that has passed.
 */
export async function runStaged(
  boot: StagedBoot,
  untilMs?: number,
): Promise<{
  readonly id: string;
  readonly events: readonly BootEvent[];
  readonly elapsedMs: number;
}> {
  const clock = manualClock();
  const relay = new Relay({
    bootId: '00000000-0000-4000-8000-000000000000',
    clock,
    deliver: () => {},
    sent: new StatementCount(),
  });
  const { migrateWidth, initWidth, until = 'ready' } = boot;
  const tell: Relay['emit'] = (event) => {
    const isWayDown = event.type === 'phase.started' && event.phase === 'stopAll';
    if (isWayDown && until === 'migrated' && !relay.record.stopping) {
      relay.emit({ type: 'boot.stopping', reason: 'the migrations have ended' });
    }
    relay.emit(event);
  };
  const actor = createActor(provideMachines(stageTasks(boot, clock, relay.emit), tell), {
    input: { migrateWidth, initWidth },
  });
  let isOver = false;
  const finish = (outcome: BootOutcome, error?: Error): void => {
    if (relay.record.finished) return;
    relay.emit({
      type: 'boot.finished',
      outcome,
      durationMs: relay.elapsedMs,
      ...(error && { error }),
    });
  };
  actor.subscribe({
    next: (snapshot) => {
      if (!snapshot.matches('ready')) return;
      finish(snapshot.context.launch?.degraded ? 'degraded' : 'ready');
      isOver = boot.stopAtMs === undefined;
    },
    complete: () => {
      const { output } = actor.getSnapshot();
      relay.closeOpenSteps('the boot has ended');
      const reason = relay.record.stopping?.reason ?? 'the boot failed';
      relay.emit({ type: 'boot.stopped', reason, durationMs: 0, errors: [] });
      const failure = output?.launch?.failures[0]?.error;
      if (output?.launch?.outcome === 'failed') finish('failed', failure as Error);
      else if (output?.launch?.outcome === 'migrated') finish('migrated');
      else finish('canceled', new Error('stopped'));
      isOver = true;
    },
  });
  relay.emit({
    type: 'boot.started',
    until,
    versions: { slipway: '0.0.0', node: '20.19.0' },
    pid: 1,
    host: 'host',
    slots: { migrate: migrateWidth, init: initWidth },
    poolSize: 10,
    processUptimeMs: 100,
  });
  actor.start();
  if (boot.stopAtMs !== undefined) {
    clock.after(boot.stopAtMs, () => {
      if (relay.record.stoppedAtMs !== undefined) return;
      if (!relay.record.stopping) relay.emit({ type: 'boot.stopping', reason: 'SIGTERM' });
      actor.send({ type: 'STOP', reason: 'SIGTERM' });
    });
  }
  actor.send({ type: 'START', until });
  await runClock(clock, () => isOver, untilMs);
  const elapsedMs = untilMs === undefined ? relay.elapsedMs : Math.max(untilMs, relay.elapsedMs);
  return { id: relay.record.bootId, events: relay.events, elapsedMs };
}

/** Moves the time on, from timer to timer, until `isOver` or until no timer is left. */
async function runClock(
  clock: ManualClock,
  isOver: () => boolean,
  untilMs = Number.POSITIVE_INFINITY,
): Promise<void> {
  await clock.advance(0);
  for (let [next] = clock.pending(); next !== undefined && !isOver(); [next] = clock.pending()) {
    if (clock.elapsed() + next > untilMs) return;
    await clock.advance(next);
  }
}

function stageTasks(boot: StagedBoot, clock: ManualClock, emit: Relay['emit']): Tasks {
  const pending = new Map(boot.plugins.map((_, index) => [nameAt(index), index]));
  const find = (plugin: string): StagedPlugin => {
    const found = boot.plugins[pending.get(plugin) ?? -1];
    if (!found) throw new Error(`no plugin ${plugin}`);
    return found;
  };
  const firstAttempts = new Map<string, number>();
  const started = new Set<string>();
  const applied = new Map<string, number>();
  /** Waits, unless it is cancelled first. */
  const wait = async (ms: number, signal: AbortSignal): Promise<boolean> => {
    try {
      await sleep(clock, ms, signal);
      return true;
    } catch {
      return false;
    }
  };
  const end = (ending: Ending, what: string) =>
    ending === 'done'
      ? ({ status: 'done' } as const)
      : ({ status: ending, error: new Error(`${what} ${ending}`) } as const);
  const canceled = { status: 'canceled' } as const;

  return {
    discover: fromTask<DiscoverResult, { readonly launch: number }>(async ({ signal }) => {
      if (!(await wait(boot.discoverMs, signal))) return canceled;
      for (const [index, { required }] of boot.plugins.entries()) {
        emit({ type: 'plugin.discovered', plugin: nameAt(index), required, enabled: true });
      }
      return { status: 'done' };
    }),
    sort: fromTask<SortResult>(() => {
      const nodes = boot.plugins.map(({ needs, after, required }, index): GraphNode => ({
        id: nameAt(index),
        needs,
        after,
        required,
      }));
      const edges = nodes.flatMap(({ id, needs, after }) => [
        ...needs.map(
          (from) => ({ from: nameAt(from), to: id, kind: 'needs', reason: '' }) as const,
        ),
        ...after.map(
          (from) => ({ from: nameAt(from), to: id, kind: 'order', reason: '' }) as const,
        ),
      ]);
      emit({ type: 'graph.sorted', order: nodes.map(({ id }) => id), edges, warnings: [] });
      return Promise.resolve({ status: 'done', nodes, allNodes: nodes });
    }),
    survey: fromTask<SurveyResult>(async ({ signal }) => {
      if (!(await wait(boot.surveyMs, signal))) return canceled;
      emit({
        type: 'survey.finished',
        plugins: boot.plugins.length,
        server: '18.0',
        pooler: false,
        statements: 2,
        durationMs: boot.surveyMs,
      });
      const upToDate: string[] = [];
      for (const [index, { files }] of boot.plugins.entries()) {
        const plugin = nameAt(index);
        emit({
          type: 'plugin.migrate.planned',
          plugin,
          schema: `plugin_${plugin}`,
          applied: [],
          pending: files.map((_, at) => `${at}.sql`),
        });
        if (files.length === 0) upToDate.push(plugin);
      }
      return { status: 'done', upToDate };
    }),
    migrate: fromTask<MigrateResult, InSlot>(
      async ({ input: { plugin, slot }, signal, windDown }) => {
        const { connectMs, lockMs, lockedForMs, files, fileRetries, migrate } = find(plugin);
        const isFirst = !firstAttempts.has(plugin);
        if (isFirst) {
          firstAttempts.set(plugin, clock.elapsed());
          emit({ type: 'plugin.migrate.connecting', plugin, slot });
        }
        if (!(await wait(connectMs + lockMs, signal))) return canceled;
        const waitedMs = clock.elapsed() - (firstAttempts.get(plugin) ?? 0);
        if (lockedForMs > 0 && waitedMs < lockedForMs) return { status: 'locked' };
        if (!started.has(plugin)) {
          started.add(plugin);
          emit({
            type: 'plugin.migrate.started',
            plugin,
            slot,
            waitedMs: isFirst ? 0 : waitedMs - connectMs - lockMs,
            connectMs,
            backendPid: 100 + (pending.get(plugin) ?? 0),
          });
        }
        for (const [at, statements] of files.entries()) {
          if (at < (applied.get(plugin) ?? 0)) continue;
          if (windDown.aborted) return canceled;
          const file = `${at}.sql`;
          const attempts = at === 0 ? fileRetries + 1 : 1;
          for (let attempt = 1; attempt <= attempts; attempt += 1) {
            const startedAt = clock.elapsed();
            emit({
              type: 'plugin.migrate.applying',
              plugin,
              file,
              index: at + 1,
              of: files.length,
              statements: statements.length,
              transaction: true,
            });
            for (const [number, ms] of statements.entries()) {
              const which = { plugin, file, statement: number + 1, statements: statements.length };
              emit({
                type: 'plugin.migrate.executing',
                ...which,
                line: number + 1,
                command: 'CREATE TABLE',
              });
              if (!(await wait(ms, signal))) return canceled;
              if (
                migrate !== 'done' &&
                at === files.length - 1 &&
                number === statements.length - 1 &&
                attempt === attempts
              ) {
                return { status: 'failed', error: new Error(`${plugin} failed to migrate`) };
              }
              emit({ type: 'plugin.migrate.executed', ...which, durationMs: ms });
            }
            if (attempt < attempts) {
              emit({
                type: 'plugin.migrate.retrying',
                plugin,
                file,
                attempt,
                nextInMs: 7,
                error: new Error('lock timeout'),
              });
              await wait(7, windDown);
              if (windDown.aborted) return canceled;
              continue;
            }
            applied.set(plugin, at + 1);
            emit({
              type: 'plugin.migrate.applied',
              plugin,
              file,
              durationMs: clock.elapsed() - startedAt,
            });
          }
        }
        return { status: 'done' };
      },
    ),
    wait: fromTask<WaitResult, OfPlugin & { readonly attempt: number }>(
      async ({ input: { plugin, attempt }, signal }) => {
        const { connectMs, lockMs } = find(plugin);
        const waitedMs = clock.elapsed() - (firstAttempts.get(plugin) ?? 0) - connectMs - lockMs;
        if (Number.isInteger(Math.log2(attempt))) {
          const holder = { pid: 4711, applicationName: 'slipway/other@pod-2', state: 'active' };
          emit({ type: 'plugin.migrate.waiting', plugin, waitedMs, holder });
        }
        return (await wait(Math.min(10 * attempt, 50), signal)) ? { status: 'done' } : canceled;
      },
    ),
    flush: fromTask<FlushResult, { readonly outcome: PhaseOutcome }>(async ({ signal }) => {
      const { flushMs } = boot;
      if (flushMs === undefined || applied.size === 0) return { status: 'done' };
      emit({ type: 'migrations.flushing', plugins: applied.size });
      if (!(await wait(flushMs, signal))) return canceled;
      emit({ type: 'migrations.durable', plugins: applied.size, durationMs: flushMs });
      return { status: 'done' };
    }),
    register: fromTask<RegisterResult>(async ({ signal }) =>
      (await wait(boot.registerMs, signal)) ? { status: 'done' } : canceled,
    ),
    init: fromTask<InitResult, InSlot>(async ({ input: { plugin, slot }, signal }) => {
      const { initMs, initRetries, init } = find(plugin);
      emit({ type: 'plugin.init.started', plugin, slot });
      for (let attempt = 1; attempt <= initRetries; attempt += 1) {
        if (!(await wait(initMs, signal))) return canceled;
        emit({
          type: 'plugin.init.retrying',
          plugin,
          attempt,
          nextInMs: 5,
          error: new Error('not yet'),
        });
        if (!(await wait(5, signal))) return canceled;
      }
      return (await wait(initMs, signal)) ? end(init, `init of ${plugin}`) : canceled;
    }),
    ready: fromTask<ReadyResult, InSlot>(async ({ input: { plugin, slot }, signal }) => {
      emit({ type: 'plugin.ready.started', plugin, slot });
      return (await wait(find(plugin).readyMs, signal)) ? { status: 'done' } : canceled;
    }),
    stop: fromTask<StopResult, InSlot>(async ({ input: { plugin, slot } }) => {
      emit({ type: 'plugin.stop.started', plugin, slot });
      await wait(find(plugin).stopMs, new AbortController().signal);
      return { status: 'done' };
    }),
  };
}
