import type { Phase, Step } from './steps.ts';

/**
 * A piece of work of a boot. A step has a `plugin`, and a migration file is work inside of its step. Work without a plugin
 * is the phase's own, such as the survey.
 */
export type Work =
  | { readonly phase: Phase }
  | {
      readonly step: Step;
      readonly plugin: string;
      readonly file?: string;
      /** The tenant that a file is applied for; left out for a plugin without tenants. */
      readonly tenant?: string;
    };

/**
 * Calls `run` once and at once, inside of a context of its own. It sees neither the result of the work nor its arguments.
 * When it throws or rejects, that is logged; when it does not call `run`, the work runs without it.
 */
export type WorkWrapper = (work: Work, run: () => void) => unknown;
