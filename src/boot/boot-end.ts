import type { BootOutput } from '../../machines/index.ts';
import { toError } from '../core/error-record.ts';
import { asBootError, BootError } from '../core/errors.ts';
import { readMessage } from '../core/foreign-value.ts';
import type { BootOutcome } from '../core/steps.ts';
import type { RunEnd } from './run.ts';

/** Reads the outcome for the report. A machine that broke has failed. */
export function readOutcome(end: RunEnd): BootOutcome {
  if ('defect' in end || end.output.defect !== undefined) return 'failed';
  const { launch } = end.output;
  if (!launch) return 'canceled';
  if (launch.outcome === 'launched') return launch.degraded ? 'degraded' : 'ready';
  return launch.outcome;
}

/** Makes the error of a boot that did not come up; `undefined` for one that did. */
export function makeBootError(end: RunEnd): BootError | undefined {
  switch (readOutcome(end)) {
    case 'failed':
      return findFailure(end);
    case 'canceled':
      return 'output' in end ? canceled(end.output) : undefined;
    default:
      return undefined;
  }
}

/** Lists every error of the way down. */
export function listStopErrors(end: RunEnd): readonly Error[] {
  const failures = 'output' in end ? end.output.stopFailures : [];
  return [...failures.map(({ error }) => toError(error)), ...end.errors];
}

function findFailure(end: RunEnd): BootError {
  const defect = 'defect' in end ? end.defect : end.output.defect;
  if (defect !== undefined) return broken(defect);
  const [first] = 'output' in end ? (end.output.launch?.failures ?? []) : [];
  return asBootError(first?.error) ?? broken(first?.error);
}

/** Wraps an error that Slipway does not expect: it comes neither from a plugin nor from the database. */
function broken(cause: unknown): BootError {
  return new BootError('BOOT_BROKEN', `Slipway itself failed: ${readMessage(cause)}`, {
    cause,
  });
}

function canceled({ launch, reason }: BootOutput): BootError {
  const phase = launch?.phase;
  const where = phase === undefined ? 'before it began' : `in ${phase}`;
  return new BootError('BOOT_CANCELED', `The boot was stopped ${where}: ${reason ?? 'stop'}`, {
    phase,
  });
}
