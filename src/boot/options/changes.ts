import { BootError, optionsInvalid } from '../../core/errors.ts';
import { group, list, oneOf, record } from '../../core/expect.ts';
import { checkPlugin } from '../../core/plugin-check.ts';
import type { Plugin } from '../../core/plugin.ts';
import { readable, readPlugin } from '../../core/read-plugin.ts';
import type { RemovalRequest } from '../../core/removal.ts';

const checkOptions = group({ dependents: [oneOf('refuse', 'stop'), 'refuse'] });

/**
 * Checks the plugins that are added to a boot, and reads them: from now on no getter of theirs can break a boot that is up.
 *
 * @throws BootError `OPTIONS_INVALID` or `PLUGIN_INVALID`
 */
export function checkAdded(plugins: unknown): readonly Plugin[] {
  return readable('the plugin to add', plugins, () => {
    if (!Array.isArray(plugins)) return [checkAndRead(plugins, 'the plugin to add')];
    const checked = list(checkAndRead)(plugins, 'plugins');
    if (checked.length > 0) return checked;
    throw optionsInvalid('plugins', 'at least one plugin', plugins);
  });
}

function checkAndRead(value: unknown, name: string): Plugin {
  return readPlugin(checkPlugin(value, name), name);
}

/**
 * Checks the call that removes a plugin from a boot.
 *
 * @param host The id of the host's own migrations, which all plugins come after.
 * @throws BootError `OPTIONS_INVALID` or `REMOVAL_REFUSED`
 */
export function checkRemoval(plugin: unknown, options: unknown, host?: string): RemovalRequest {
  if (typeof plugin !== 'string') throw optionsInvalid('plugin', 'the id of a plugin', plugin);
  const { dependents } = checkOptions(record(options, 'options'), 'options');
  if (plugin === host) {
    const message = 'The host cannot be removed: every plugin comes after its migrations';
    const hint = 'Stop the whole boot instead: boot.stop().';
    throw new BootError('REMOVAL_REFUSED', message, { plugin, hint });
  }
  return { plugin, withDependents: dependents === 'stop' };
}
