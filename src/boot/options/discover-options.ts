import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionsInvalid } from '../../core/errors.ts';
import { group, oneOf, text, type Check } from '../../core/expect.ts';

/** Where to find plugins that are packages. */
export interface DiscoverOptions {
  /** The folder of the host's package.json, whose dependencies and workspaces are searched: an absolute path or a `file:` URL. */
  readonly root: string | URL;
  /**
   * The field of package.json that marks a package as a plugin.
   *
   * @default 'slipway'
   */
  readonly field?: string;
  /**
   * The value that the field's `type` has in a plugin.
   *
   * @default 'backend'
   */
  readonly type?: 'backend';
}

/** {@link DiscoverOptions}, checked and complete. */
export interface DiscoverSettings {
  /** An absolute path. */
  readonly root: string;
  readonly field: string;
  readonly type: string;
}

/** @throws BootError `OPTIONS_INVALID` */
export const checkDiscover: Check<DiscoverSettings> = (value, name) =>
  group({
    root: [checkRoot, undefined],
    field: [text(/\S/, 'the name of a field of package.json'), 'slipway'],
    type: [oneOf('backend'), 'backend'],
  })(value, name);

const checkRoot: Check<string> = (value, name) => {
  if (value instanceof URL && value.protocol === 'file:') return fileURLToPath(value);
  if (typeof value === 'string' && value.startsWith('file:')) return fileURLToPath(value);
  if (typeof value === 'string' && isAbsolute(value)) return value;
  throw optionsInvalid(name, 'an absolute path or a file: URL', value);
};
