import { compareNumbers } from '../compare-versions.ts';
import {
  noMigrationOf,
  withoutSql,
  type FileFormat,
  type FileName,
  type FileSettings,
} from './file-format.ts';

/**
 * Flyway, with its default prefixes, suffixes and separator: `V1_2__name.sql`, each file a way up as a whole, and beside it
 * `V1_2__name.sql.conf` with its settings. `B10__name.sql` stands for all versions up to 10, and is a migration of a folder that
 * has none of them. `U1__name.sql` undoes, and is left alone. Placeholders `${name}` are found everywhere in a file.
 *
 * Read from https://github.com/flyway/flyway/tree/main/flyway-core/src/main/java/org/flywaydb/core: ResourceNameParser.java,
 * CoreResourceTypeProvider.java, SqlScriptMetadata.java and PlaceholderReplacingReader.java in internal, MigrationVersion.java
 * and migration/baseline in api.
 */
export const flyway: FileFormat = {
  tool: 'flyway',
  isDeep: true,
  readName(name, all): FileName {
    if (name.startsWith('R__') && /\.\w+$/.test(name)) return repeatable;
    if (/^U\d[\d._]*(?:__.*)?\.\w+$/s.test(name) || /\.conf$/i.test(name)) return { kind: 'other' };
    const [, prefix, version = '', extension = ''] = versioned.exec(name) ?? [];
    const isSql = /\.sql$/i.test(name);
    if (prefix === undefined) {
      if (/^(?:before|after|createSchema)/.test(name) && isSql) return callback;
      return isSql ? noMigrationOf('Flyway', 'V1_2__name.sql') : { kind: 'other' };
    }
    const numbers = readFlywayVersion(version);
    if (prefix === 'B' && !isInUse(numbers, all)) return { kind: 'other' };
    return {
      kind: 'migration',
      historyName: isSql ? withoutSql(name) : name.slice(0, name.lastIndexOf('.')),
      version: writeFlywayVersion(numbers),
      numbers,
      ...(!isSql && { code: extension }),
    };
  },
  compare: (one, other) => compareNumbers(one.numbers, other.numbers),
  settings: { suffix: '.conf', read: readSettings },
  createReader: ({ isLiteral = false }) => ({
    readMark: () => undefined,
    findFault(line) {
      if (isLiteral) return undefined;
      const found = /\$\{[^}]*\}?/.exec(line)?.[0];
      if (found === undefined) return undefined;
      return {
        because: `has the placeholder ${found.slice(0, 60)}, which Flyway replaces`,
        hint: 'Write the value into the file. When it is meant as it stands, put placeholderReplacement=false into a file of the same name and .conf.',
      };
    },
  }),
};

/** Scripts and classes of the same names are migrations of Flyway as well. */
const versioned =
  /^([VB])(\d+(?:[._]\d+)*)(?:__.*)?\.([sS][qQ][lL]|java|class|kt|groovy|scala|sh|bash|bat|cmd|ps1|py)$/s;

/** Reads the numbers of a version; zeros at its end do not count: `1.0` is `1`. */
export function readFlywayVersion(version: string): readonly bigint[] {
  const numbers = version.split(/[._]/).map(BigInt);
  while (numbers.length > 1 && numbers.at(-1) === 0n) numbers.pop();
  return numbers;
}

export const writeFlywayVersion = (numbers: readonly bigint[]): string => numbers.join('.');

/** A baseline migration is in use when the folder has no migration of a version that it stands for, and no later baseline. */
function isInUse(own: readonly bigint[], all: ReadonlySet<string>): boolean {
  return Array.from(all).every((name) => {
    const [, prefix, version] = versioned.exec(name) ?? [];
    if (version === undefined) return true;
    const order = compareNumbers(readFlywayVersion(version), own);
    return prefix === 'B' ? order <= 0 : order > 0;
  });
}

const repeatable = {
  kind: 'refused',
  because: 'is a repeatable migration of Flyway, which runs again when its text has changed',
  hint: 'Move the R__ files to a folder of their own, and give it as sqlFiles(folder, { repeatable: true }).',
} as const;

const callback = {
  kind: 'refused',
  because: 'is a callback of Flyway, which Slipway would not run',
  hint: 'Move it out of the folder. What has to run at each boot belongs into init or ready of the plugin.',
} as const;

const known = new Set(['executeInTransaction', 'placeholderReplacement', 'encoding']);

function readSettings(text: string): FileSettings {
  const pairs = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^[#!]/.test(line))
    .map((line) => [
      line.split('=', 1)[0]?.trim() ?? '',
      line.split('=').slice(1).join('=').trim(),
    ]);
  const settings = new Map(
    pairs.map(([key = '', value = '']) => [key.replace(/^flyway\./, ''), value]),
  );
  const unknown = [...settings.keys()].find((key) => !known.has(key));
  const encoding = settings.get('encoding') ?? 'UTF-8';
  const refusal =
    unknown !== undefined
      ? {
          because: `has the setting ${unknown} in its .conf, which Slipway does not read`,
          hint: 'Remove the setting; those that count are executeInTransaction and placeholderReplacement.',
        }
      : !/^utf-?8$/i.test(encoding)
        ? { because: `is in ${encoding}, by its .conf`, hint: 'Save it as UTF-8.' }
        : undefined;
  return {
    noTransaction: isFalse(settings.get('executeInTransaction')),
    isLiteral: isFalse(settings.get('placeholderReplacement')),
    ...(refusal && { refusal }),
  };
}

function isFalse(value: string | undefined): boolean {
  return value?.toLowerCase() === 'false';
}
