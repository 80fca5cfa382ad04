import { listNames } from '../../core/printable.ts';
import type { Question } from '../connection/question.ts';
import { openedGuardSql, rememberTransactionSql } from '../connection/session-guard.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { rememberBeginningSql, strayObjectsSql } from '../survey/stray-objects.ts';
import { waitsForDisk } from './durability.ts';
import { historySql } from './history-sql.ts';
import type { HeldMigrationLock } from './migration-lock.ts';
import type { Migrating, PreparedFile } from './migrating.ts';

/** The SQL that begins the transaction of a file, and remembers how it was then. */
export function openingSql(run: Migrating, held: HeldMigrationLock): readonly Question[] {
  const { plugin, settings, extensions, progress } = run;
  const limits = [
    ...(progress.hasOwnLockTimeout
      ? []
      : [setLocal('lock_timeout', String(settings.ddlLockTimeout))]),
    ...(waitsForDisk(run) ? [] : [setLocal('synchronous_commit', 'off')]),
  ];
  const place = [
    setLocal('search_path', extensions.searchPath),
    rememberTransactionSql,
    rememberBeginningSql(plugin),
  ];
  const missing = held.missing.map((text) => ({ text }));
  const begin = held.begin.map((text) => ({ text, isRepeated: true }));
  return missing.length === 0
    ? [...begin, { text: `select ${[...limits, ...place].join(', ')}`, isRepeated: true }]
    : [
        ...begin,
        { text: `select ${limits.join(', ')}` },
        ...missing,
        { text: `select ${place.join(', ')}` },
      ];
}

/** The history row, a last look around, and COMMIT: nothing can come between them. */
export function closingSql(
  run: Migrating,
  held: HeldMigrationLock,
  file: PreparedFile,
): readonly Question[] {
  const { plugin, settings, extensions } = run;
  const policy = file.mayReachOut ? 'off' : settings.strayObjects;
  return [
    ...(file.closing ?? historySql(run, held, file)).map((text) => ({ text })),
    { text: openedGuardSql(held.backendPid, plugin.schema), isRepeated: true },
    ...held.guard.map((text) => ({ text, isRepeated: true })),
    ...(policy === 'off' ? [] : [lookForStrays(run, file, policy)]),
    ...extensions.afterFile(file.file),
    ...(run.measure?.(file.file) ?? []),
    { text: 'commit', isRepeated: true },
  ];
}

function lookForStrays(
  { plugin, emit }: Migrating,
  { file }: PreparedFile,
  policy: 'error' | 'warn',
): Question {
  const text = strayObjectsSql(plugin, policy);
  if (policy === 'error') return { text, isRepeated: true };
  return {
    text,
    isRepeated: true,
    learn: (value) => {
      const strays = JSON.parse(value) as readonly string[];
      if (strays.length === 0) return;
      const message = `${file.name} made ${listNames(strays)} outside of the schema ${plugin.schema}`;
      emit({ type: 'boot.warning', message, plugin: plugin.id });
    },
  };
}

/** An expression that changes a setting until the transaction ends. */
function setLocal(name: string, value: string): string {
  return `set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, true)`;
}
