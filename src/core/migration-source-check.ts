import { pluginInvalid } from './errors.ts';
import { didYouMean } from './suggest.ts';
import { isRecord } from './foreign-value.ts';

const folder = 'a file: URL or an absolute path';

const keys = ['name', 'run', 'transaction'];

/**
 * Checks that a value can be a plugin's migrations. The survey checks whether a folder can be read.
 *
 * @throws BootError `PLUGIN_INVALID`
 */
export function checkMigrationSource(value: unknown, name: string): void {
  if (value === undefined || isFolder(value)) return;
  if (Array.isArray(value)) return checkList(value, name);
  if (isRecord(value) && value['kind'] === 'sqlFiles') {
    if (isFolder(value['folder'])) return;
    throw pluginInvalid(`${name}.folder`, folder, value['folder']);
  }
  const isMeantAsFolder = typeof value === 'string' || value instanceof URL;
  const expected = isMeantAsFolder ? folder : `${folder}, sqlFiles() or a list of functions`;
  throw pluginInvalid(name, expected, value);
}

function checkList(list: readonly unknown[], name: string): void {
  const names = new Set<string>();
  // An index, because callbacks such as forEach skip the holes of a list.
  for (let index = 0; index < list.length; index += 1) {
    const place = `${name}[${index}]`;
    const own = checkFunction(list[index], place);
    if (names.has(own)) {
      throw pluginInvalid(`${place}.name`, 'a name that no other migration of the plugin has', own);
    }
    names.add(own);
  }
}

function checkFunction(value: unknown, place: string): string {
  if (!isRecord(value)) throw pluginInvalid(place, 'an object with a name and a run()', value);
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    const meant = didYouMean(unknown, keys);
    const advice = meant === undefined ? '' : `; did you mean ${meant}?`;
    throw pluginInvalid(place, `a migration with ${keys.join(', ')} only${advice}`, unknown);
  }
  const { name, run, transaction } = value;
  if (typeof name !== 'string' || !isName(name)) {
    throw pluginInvalid(`${place}.name`, 'a name without spaces around it', name);
  }
  if (typeof run !== 'function') throw pluginInvalid(`${place}.run`, 'a function', run);
  if (transaction !== undefined && transaction !== false) {
    throw pluginInvalid(`${place}.transaction`, 'false or left out', transaction);
  }
  return name;
}

/** The name is used in messages and in the history. PostgreSQL cannot store NUL, and a line break would split a line. */
function isName(name: string): boolean {
  return name !== '' && name === name.trim() && !/\p{Cc}/u.test(name);
}

function isFolder(value: unknown): boolean {
  if (value instanceof URL) return value.protocol === 'file:';
  return typeof value === 'string' && /^(?:\/|[a-zA-Z]:[\\/]|\\\\)/.test(value);
}
