import { optionsInvalid } from '../../core/errors.ts';
import { group, oneOf } from '../../core/expect.ts';
import { isRecord } from '../../core/foreign-value.ts';

/** How the registry of plugins is used. */
export interface RegistryOptions {
  /**
   * What to do when a plugin that the registry has enabled is not found: `warn` goes on without it, `error` ends the boot
   * before anything is migrated.
   *
   * @default 'warn'
   */
  readonly missing?: 'warn' | 'error';
}

/** {@link RegistryOptions}, checked and complete. */
export type RegistrySettings = Required<RegistryOptions>;

const checkGroup = group({ missing: [oneOf('warn', 'error'), 'warn'] });

/** @throws BootError `OPTIONS_INVALID` */
export function checkRegistry(value: unknown, name: string): RegistrySettings | undefined {
  if (value === false) return undefined;
  if (value === true) return checkGroup({}, name);
  if (isRecord(value)) return checkGroup(value, name);
  throw optionsInvalid(name, 'true, false or an object', value);
}
