import { constants } from 'node:os';
import type { Duration } from '../core/duration.ts';
import { optionsInvalid } from '../core/errors.ts';
import { duration, group, list, oneOf, type Check } from '../core/expect.ts';
import { deadlineAfter, sleep, untilAborted } from '../core/patience.ts';
import type { Boot } from './boot.ts';
import { systemClock } from './options/system-clock.ts';

/** The options of {@link gracefulShutdown}. Durations are ms, or strings such as `'5s'`. */
export interface GracefulShutdownOptions {
  /**
   * The signals to listen to.
   *
   * @default ['SIGTERM', 'SIGINT']
   */
  readonly signals?: readonly NodeJS.Signals[];
  /**
   * How long a backend that is up goes on serving after readiness has turned false, so that load balancers notice before the
   * server closes. In Kubernetes 5 s is usual.
   *
   * @default 0
   */
  readonly delay?: Duration;
  /**
   * Finishes work under way before anything is stopped, such as `(signal) => closeServer(server, signal)`. It is called however
   * the way down began. Its signal is aborted when its time is up.
   *
   * @default nothing
   */
  readonly drain?: (signal: AbortSignal) => unknown;
  /**
   * How long `drain` may take. It is part of the boot's `stop.total`.
   *
   * @default '10s'
   */
  readonly drainTimeout?: Duration;
}

const signalNames = Object.keys(constants.signals) as readonly NodeJS.Signals[];

const drainFunction: Check<(signal: AbortSignal) => unknown> = (value, name) => {
  if (typeof value === 'function') return value as (signal: AbortSignal) => unknown;
  throw optionsInvalid(name, 'a function', value);
};

const checkOptions = group({
  signals: [list(oneOf(...signalNames)), ['SIGTERM', 'SIGINT']],
  delay: [duration, 0],
  drain: [drainFunction, () => {}],
  drainTimeout: [duration, '10s'],
});

/**
 * Lets a signal take the boot down in good order, in any phase: readiness turns false, the drain runs, then everything is
 * stopped in reverse. The process ends by itself once nothing is left to do, with exit code 0 when the boot had been ready and
 * stopped without an error, 1 with one, and 128 plus the signal's number (SIGINT 130, SIGTERM 143) before it was ready.
 * A second signal cuts the drain short, a third one ends the process at once, as does any that comes after the end.
 *
 * @returns A function that removes its listeners.
 * @throws BootError `OPTIONS_INVALID`
 * @example
 * gracefulShutdown(boot, { delay: '5s', drain: (signal) => closeServer(server, signal) });
 * await boot.start();
 */
export function gracefulShutdown(
  boot: Pick<Boot, 'beforeStop' | 'once' | 'state' | 'stop'>,
  options: GracefulShutdownOptions = {},
): () => void {
  const { signals, delay, drain, drainTimeout } = checkOptions(options, 'gracefulShutdown');
  const hurry = new AbortController();
  let received: NodeJS.Signals | undefined;

  const takeSignal = (signal: NodeJS.Signals): void => {
    if (received !== undefined) {
      ignoreSignals();
      hurry.abort();
      return;
    }
    received = signal;
    // A boot that never began emits no event of its end.
    if (boot.state().phase === 'idle') exitWith(toExitCode(signal));
    void boot.stop(signal).then(ignoreSignals);
  };
  const ignoreSignals = (): void => {
    for (const signal of signals) offSignal(signal, takeSignal);
  };

  const leave = [
    boot.beforeStop(async (cut) => {
      const impatient = AbortSignal.any([hurry.signal, cut]);
      if (boot.state().phase === 'ready') {
        await asLongAs(impatient, sleep(systemClock, delay, impatient));
      }
      await drainWithin(drainTimeout, drain, impatient);
    }),
    boot.once('boot.finished', ({ outcome }) => {
      if (received !== undefined && outcome === 'canceled') exitWith(toExitCode(received));
    }),
    boot.once('boot.stopped', ({ errors }) => {
      ignoreSignals();
      const wasUp = boot.state().outcome !== undefined;
      if (received !== undefined && wasUp && errors.length > 0) exitWith(1);
    }),
  ];
  for (const signal of signals) onSignal(signal, takeSignal);
  return () => {
    ignoreSignals();
    for (const each of leave) each();
  };
}

type TakeSignal = (signal: NodeJS.Signals) => void;

/** The boots that take each signal. One listener of the process serves all boots: more than ten are taken for a leak. */
const takers = new Map<NodeJS.Signals, Set<TakeSignal>>();

function onSignal(signal: NodeJS.Signals, take: TakeSignal): void {
  const known = takers.get(signal) ?? new Set();
  takers.set(signal, known.add(take));
  if (known.size === 1) process.on(signal, passSignal);
}

/** A signal without a listener ends the process. */
function offSignal(signal: NodeJS.Signals, take: TakeSignal): void {
  const known = takers.get(signal);
  if (known?.delete(take) && known.size === 0) process.off(signal, passSignal);
}

function passSignal(signal: NodeJS.Signals): void {
  for (const take of takers.get(signal) ?? []) take(signal);
}

async function drainWithin(
  ms: number,
  drain: (signal: AbortSignal) => unknown,
  impatient: AbortSignal,
): Promise<void> {
  const deadline = deadlineAfter(systemClock, ms);
  const signal = AbortSignal.any([impatient, deadline.signal]);
  try {
    await asLongAs(signal, drain(signal));
  } finally {
    deadline.cancel();
  }
}

/** Waits for the work until the signal is aborted; that its time was up is no error, whatever the work says of it. */
async function asLongAs(signal: AbortSignal, work: unknown): Promise<void> {
  try {
    await untilAborted(work, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** A code that the host has set already says more. */
function exitWith(code: number): void {
  process.exitCode ||= code;
}

function toExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
