import type { CommandLock, LockMode } from './lock-modes.ts';
import { namePart, qualifiedName, splitList } from './sql-commands.ts';

const name = `(${qualifiedName})`;
const column = String.raw`(?:column )?${namePart}`;

/** What of ALTER TABLE takes less than ACCESS EXCLUSIVE; a second relation is that of the first group. */
const lighter: readonly (readonly [
  pattern: string,
  lock: LockMode,
  other?: LockMode | undefined,
])[] = [
  ['validate constraint', 'SHARE UPDATE EXCLUSIVE'],
  [`alter ${column} set statistics`, 'SHARE UPDATE EXCLUSIVE'],
  [String.raw`alter ${column} (?:set|reset) \(`, 'SHARE UPDATE EXCLUSIVE'],
  ['cluster on', 'SHARE UPDATE EXCLUSIVE'],
  ['set without cluster', 'SHARE UPDATE EXCLUSIVE'],
  [String.raw`(?:set|reset) \((?!.*user_catalog_table)`, 'SHARE UPDATE EXCLUSIVE'],
  ['(?:enable|disable) (?:(?:replica|always) )?trigger', 'SHARE ROW EXCLUSIVE'],
  [
    `add (?:constraint ${namePart} )?foreign key .*?references ${name}`,
    'SHARE ROW EXCLUSIVE',
    'SHARE ROW EXCLUSIVE',
  ],
  [`attach partition ${name}`, 'SHARE UPDATE EXCLUSIVE', 'ACCESS EXCLUSIVE'],
  [`detach partition ${name} concurrently`, 'SHARE UPDATE EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE'],
  [`detach partition ${name}`, 'ACCESS EXCLUSIVE', 'ACCESS EXCLUSIVE'],
  [`inherit ${name}`, 'ACCESS EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE'],
  [`add .*?references ${name}`, 'ACCESS EXCLUSIVE', 'SHARE ROW EXCLUSIVE'],
];

const forms = lighter.map(([pattern, lock, other]) => ({
  pattern: new RegExp(`^${pattern.replaceAll(' ', String.raw`\s+`)}`, 's'),
  lock,
  other,
}));

/** What may take a foreign key away, or make it anew, locks the table at its other end as well. */
const reaching = new RegExp(
  String.raw`^drop\b|^alter\s+(?:column\s+)?${namePart}\s+(?:set\s+data\s+)?type\b`,
);

/**
 * The locks of ALTER TABLE, by its subcommands: https://www.postgresql.org/docs/current/sql-altertable.html
 *
 * @returns `isComplete` is false when there may be more than the text tells.
 */
export function alterTableLocks(
  table: string,
  subcommands: string,
): { readonly locks: readonly CommandLock[]; readonly isComplete: boolean } {
  const each = splitList(subcommands);
  const locks = each.flatMap((subcommand): readonly CommandLock[] => {
    for (const { pattern, lock, other } of forms) {
      const found = pattern.exec(subcommand);
      if (!found) continue;
      const [, relation] = found;
      const second = other !== undefined && relation !== undefined;
      return [{ lock, relation: table }, ...(second ? [{ lock: other, relation }] : [])];
    }
    return [{ lock: 'ACCESS EXCLUSIVE', relation: table }];
  });
  return { locks, isComplete: !each.some((subcommand) => reaching.test(subcommand)) };
}
