import type { StagedPlugin } from './staged-plan.ts';

/** A plugin that is quick and succeeds. */
export const plainPlugin: StagedPlugin = {
  needs: [],
  after: [],
  required: true,
  connectMs: 1,
  lockedForMs: 0,
  files: [],
  fileRetries: 0,
  migrate: 'done',
  initMs: 1,
  initRetries: 0,
  init: 'done',
  readyMs: 0,
  stopMs: 0,
};
