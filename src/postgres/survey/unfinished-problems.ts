import { problem, type Problem } from '../../core/error-codes.ts';
import { listNames } from '../../core/printable.ts';
import { markAppliedCall } from '../../core/repair-call.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import {
  commandsOf,
  findChanged,
  findNext,
  pairUnfinished,
  quoteUnfinished,
  type DoneCommand,
} from '../history/unfinished-file.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { hasTagWithin } from '../sources/name-range.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import type { DatabaseFacts, SchemaFacts } from './database-facts.ts';

/** A plugin with what is known of its unfinished files. */
interface UnfinishedPlugin {
  readonly id: string;
  /** The present schema of its history. */
  readonly historySchema: string;
  readonly files: readonly Migration[];
  readonly pending: readonly Migration[];
}

/** The unfinished files of a plugin, and what stands out in them. */
interface UnfinishedFiles {
  /** By file, the index of the command that it goes on at. */
  readonly next: ReadonlyMap<Migration, number>;
  readonly warnings: readonly Problem[];
  readonly problems: readonly Problem[];
  /** What prevents only a boot that applies files. */
  readonly obstacles: readonly Problem[];
}

const none: UnfinishedFiles = { next: new Map(), warnings: [], problems: [], obstacles: [] };

/** Judges the unfinished files of a plugin: whether each can go on where it has stopped. */
export function judgeUnfinished(
  plugin: UnfinishedPlugin,
  { unfinished, role }: Pick<DatabaseFacts, 'unfinished' | 'role'>,
  schemas: ReadonlyMap<string, Pick<SchemaFacts, 'unfinished'>>,
  { ahead }: Pick<MigrationSettings, 'ahead'>,
): UnfinishedFiles {
  const { id, historySchema, files, pending } = plugin;
  const table = schemas.get(historySchema)?.unfinished;
  if (!table) return none;
  if (!(table.canRead && table.isOwned)) {
    return { ...none, obstacles: pending.length === 0 ? [] : [ownsNot(plugin, role)] };
  }
  const rows = unfinished.filter(({ schema }) => schema === historySchema);
  const paired = pairUnfinished(pending, rows);
  const isKnown = new Set(files.map(({ historyName }) => historyName));
  const others = [...new Set(paired.others.map(({ file }) => file))].filter(
    (name) => !isKnown.has(name),
  );
  const strange = others.length === 0 ? [] : [unknownFiles(id, historySchema, others)];
  const next = new Map<Migration, number>();
  const changed: Problem[] = [...findUnfinishedReplaced(id, pending, rows)];
  for (const [file, done] of paired.files) {
    const found = findChangedCommand(id, file, done);
    if (found) changed.push(found);
    else next.set(file, findNext(commandsOf(file), done) ?? 0);
  }
  return {
    next,
    warnings: ahead === 'error' ? [] : strange,
    problems: ahead === 'error' ? strange : [],
    obstacles: changed,
  };
}

/**
 * Finds squash files that stand for an unfinished file. Whether they run or take the place of rows, the commands that are left
 * would never run, and those that have run might run again.
 */
export function findUnfinishedReplaced(
  plugin: string,
  pending: readonly Migration[],
  done: readonly DoneCommand[],
): readonly Problem[] {
  const names = [...new Set(done.map(({ file }) => file))];
  return pending.flatMap((file) => {
    const ranges = (isSql(file) && file.replaces) || [];
    const begun = names.filter((name) => ranges.some((range) => hasTagWithin(name, range)));
    if (begun.length === 0) return [];
    const message = `${plugin}: ${file.name} replaces ${listNames(begun)}, of which only a part has run in this database`;
    const hint =
      'Deploy the last release before the squash on this database first: it goes on where the file stopped.';
    return [problem('MIGRATION_HISTORY_UNKNOWN', message, { plugin, file: file.name, hint })];
  });
}

/** Finds the problem of an unfinished file whose first commands are not those that have run. */
export function findChangedCommand(
  plugin: string,
  file: Migration,
  done: readonly DoneCommand[],
): Problem | undefined {
  const commands = commandsOf(file);
  const found = findChanged(commands, done);
  if (!found) return undefined;
  const { name } = file;
  const { ran, now } = found;
  const number = now ? commands.indexOf(now) + 1 : ran.command;
  const what = now ? 'was changed after it had run' : 'has run, and the file no longer has it';
  const message = `${plugin}: command ${number} of ${name} ${what}, and the file is unfinished`;
  return problem('MIGRATION_EDITED', message, {
    plugin,
    file: name,
    ...(now && isSql(file) && file.sql.positionAt(now.codeOffset)),
    hint: `Restore the first ${countCommands(done.length)} of ${name} as ${done.length === 1 ? 'it' : 'they'} ran, and put the change behind ${done.length === 1 ? 'it' : 'them'} or into a new file: the next start goes on behind ${done.length === 1 ? 'it' : 'them'}. If all of the file is done by hand, ${markAppliedCall(plugin, name)} marks it as applied.`,
  });
}

function countCommands(count: number): string {
  return count === 1 ? 'command' : `${count} commands`;
}

/** Files of a newer release, or files that were taken out of the folder. */
function unknownFiles(id: string, schema: string, names: readonly string[]): Problem {
  const isOne = names.length === 1;
  const message = `${id}: the database has ${isOne ? 'an unfinished file' : 'unfinished files'} that the folder lacks: ${listNames(names)}`;
  return problem('MIGRATION_DATABASE_AHEAD', message, {
    plugin: id,
    hint: `Deploy the release that has ${isOne ? 'it' : 'them'}, which goes on where ${isOne ? 'it' : 'they'} stopped. To give ${isOne ? 'it' : 'them'} up, undo by hand what is done, then: DROP TABLE ${quoteUnfinished(schema)};`,
  });
}

function ownsNot({ id, historySchema }: UnfinishedPlugin, role: string): Problem {
  const on = quoteUnfinished(historySchema);
  const message = `${id}: the role ${role} does not own ${on}, which has the commands of an unfinished file`;
  const hint = `ALTER TABLE ${on} OWNER TO ${quoteIdentifier(role)};`;
  return problem('DATABASE_PRIVILEGE', message, { plugin: id, hint });
}
