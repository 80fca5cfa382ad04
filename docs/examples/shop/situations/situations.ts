import type { SituationName } from '../options.ts';
import { dependency } from './dependency.ts';
import { failed } from './failed.ts';
import { hang } from './hang.ts';
import { lock } from './lock.ts';
import type { Situation } from './situation.ts';
import { slowMigration } from './slow-migration.ts';

export const situations: Readonly<Record<SituationName, Situation>> = {
  'slow-migration': slowMigration,
  lock,
  hang,
  failed,
  dependency,
};
