import { pluginInvalid } from './errors.ts';
import { isRecord } from './foreign-value.ts';
import { isFolder, isMixed, isSqlFiles, sqlFormats } from './migration-source.ts';
import { didYouMean, findUnknownKey } from './suggest.ts';

const folder = 'a file: URL or an absolute path';
const functionObject = 'an object with a name and a run()';

/**
 * Checks that a value can be a plugin's migrations: one source, or a list of several. The survey checks whether a folder can be
 * read.
 *
 * @param name The name of the value in the message, such as `plugins[2].migrations`.
 * @throws BootError `PLUGIN_INVALID`
 */
export function checkMigrationSource(value: unknown, name: string): void {
  if (value === undefined) return;
  const names = new Set<string>();
  if (!Array.isArray(value)) {
    checkOne(value, name, `${folder}, sqlFiles(), a list of functions or a list of these`);
  } else if (isMixed(value)) {
    eachIn(value, name, (item, place) => {
      if (Array.isArray(item)) checkFunctions(item, place, names);
      else if (isFolder(item) || isSqlFiles(item)) checkOne(item, place, folder);
      else checkFunction(item, place, names, `${folder}, sqlFiles() or ${functionObject}`);
    });
  } else checkFunctions(value, name, names);
}

/** Visits the holes of a list as well, which callbacks such as forEach skip. */
function eachIn(
  list: readonly unknown[],
  name: string,
  check: (item: unknown, place: string) => void,
): void {
  for (let index = 0; index < list.length; index += 1) check(list[index], `${name}[${index}]`);
}

/** Checks a folder, or a folder of plain SQL files. */
function checkOne(value: unknown, name: string, expected: string): void {
  if (isSqlFiles(value)) return checkSqlFiles(value, name);
  if (isFolder(value) && isAbsoluteFolder(value)) return;
  throw pluginInvalid(name, isFolder(value) ? folder : expected, value);
}

const sqlFilesKeys = ['kind', 'folder', 'repeatable', 'format'];

function checkSqlFiles(given: object, name: string): void {
  refuseUnknownKey(given, sqlFilesKeys, name, 'sqlFiles() with repeatable and format only');
  const { folder: path, repeatable, format = 'plain' } = given as Readonly<Record<string, unknown>>;
  if (!isAbsoluteFolder(path)) throw pluginInvalid(`${name}.folder`, folder, path);
  if (repeatable !== undefined && typeof repeatable !== 'boolean') {
    throw pluginInvalid(`${name}.repeatable`, 'true or false', repeatable);
  }
  if (sqlFormats.some((known) => known === format)) return;
  const meant = typeof format === 'string' ? didYouMean(format, sqlFormats) : undefined;
  const advice = meant === undefined ? '' : `; did you mean ${meant}?`;
  const known = `${sqlFormats.map((each) => `'${each}'`).join(' or ')}${advice}`;
  throw pluginInvalid(`${name}.format`, known, format);
}

function checkFunctions(list: readonly unknown[], name: string, names: Set<string>): void {
  eachIn(list, name, (item, place) => checkFunction(item, place, names, functionObject));
}

const migrationKeys = ['name', 'run', 'transaction'];

/** @param names Those of the functions before it. */
function checkFunction(value: unknown, place: string, names: Set<string>, expected: string): void {
  if (!isRecord(value)) throw pluginInvalid(place, expected, value);
  refuseUnknownKey(
    value,
    migrationKeys,
    place,
    `a migration with ${migrationKeys.join(', ')} only`,
  );
  const { name, run, transaction } = value;
  if (typeof name !== 'string' || !isName(name)) {
    throw pluginInvalid(`${place}.name`, 'a name without spaces around it', name);
  }
  if (typeof run !== 'function') throw pluginInvalid(`${place}.run`, 'a function', run);
  if (transaction !== undefined && transaction !== false) {
    throw pluginInvalid(`${place}.transaction`, 'false or left out', transaction);
  }
  if (names.has(name)) {
    throw pluginInvalid(`${place}.name`, 'a name that no other migration of the plugin has', name);
  }
  names.add(name);
}

function refuseUnknownKey(
  given: object,
  known: readonly string[],
  place: string,
  expected: string,
): void {
  const unknown = findUnknownKey(given, known);
  if (!unknown) return;
  const advice = unknown.meant === undefined ? '' : `; did you mean ${unknown.meant}?`;
  throw pluginInvalid(place, `${expected}${advice}`, unknown.key);
}

/** The name is used in messages and in the history. PostgreSQL cannot store NUL, and a line break would split a line. */
function isName(name: string): boolean {
  return name !== '' && name === name.trim() && !/\p{Cc}/u.test(name);
}

function isAbsoluteFolder(value: unknown): boolean {
  if (value instanceof URL) return value.protocol === 'file:';
  return typeof value === 'string' && /^(?:\/|[a-zA-Z]:[\\/]|\\\\)/.test(value);
}
