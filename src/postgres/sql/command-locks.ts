import { alterTableLocks } from './alter-table-locks.ts';
import { lockModes, type CommandLock, type LockMode } from './lock-modes.ts';
import { namePart, qualifiedName, splitList } from './sql-commands.ts';

/** What the text of one command tells about its locks on relations. Names are as they are written. */
export interface CommandLocks {
  readonly locks: readonly CommandLock[];
  /** Whether that is all; false for what runs code that is elsewhere. */
  readonly isComplete: boolean;
  /** The relation that it makes, which nobody else knows before the COMMIT. */
  readonly makes?: string;
}

type Groups = Readonly<Record<string, string | undefined>>;
type Read = (found: Groups, command: string) => CommandLocks;

const told = (...locks: readonly CommandLock[]): CommandLocks => ({ locks, isComplete: true });
const unknown: CommandLocks = { locks: [], isComplete: false };

/** The same lock on every relation of a list. */
function onEach(lock: LockMode, more: readonly CommandLock[] = []): Read {
  return ({ list = '' }, command) => {
    const relations = splitList(list).map((item) => firstName.exec(item)?.[1]);
    const locks = relations.flatMap((relation) =>
      relation === undefined ? [] : [{ lock, relation }],
    );
    return { locks: [...locks, ...more], isComplete: !/\bcascade$/.test(command) };
  };
}

const firstName = new RegExp(String.raw`^(?:only\s+)?(${qualifiedName})`);

/** One lock on one relation. */
function on(lock: LockMode, more: readonly CommandLock[] = []): Read {
  return ({ relation }, command) => ({
    locks: [...(relation === undefined ? [] : [{ lock, relation }]), ...more],
    isComplete: relation !== undefined && !/\bcascade$/.test(command),
  });
}

const nothing: Read = () => told();
const notTold: Read = () => unknown;

const rel = `(?<relation>${qualifiedName})`;
const list = '(?<list>.*)';
const ifExists = '(?:if exists )?';

/**
 * The first that fits counts. A blank stands for any white space. From the pages of the commands in PostgreSQL's manual, and
 * looked at in pg_locks by a test.
 */
const commands: readonly (readonly [pattern: string, read: Read])[] = [
  [`(?:insert into|merge into) (?:only )?${rel}`, on('ROW EXCLUSIVE')],
  [`(?:update|delete from) (?:only )?${rel}`, on('ROW EXCLUSIVE')],
  [String.raw`copy ${rel}(?: \(.*?\))? from\b`, on('ROW EXCLUSIVE')],
  [`truncate (?:table )?${list}`, onEach('ACCESS EXCLUSIVE')],
  [String.raw`lock (?:table )?(?<list>.*?)(?: in (?<mode>[a-z ]+) mode)?(?: nowait)?$`, lockTable],
  [
    `create (?:unique )?index concurrently (?:if not exists )?(?:(?!on )${namePart} )?on (?:only )?${rel}`,
    on('SHARE UPDATE EXCLUSIVE'),
  ],
  [
    `create (?:unique )?index (?<guarded>if not exists )?(?:(?!on )(?<made>${namePart}) )?on (?:only )?${rel}`,
    (found) => ({ ...on('SHARE')(found, ''), ...madeBy(found) }),
  ],
  [
    `drop index concurrently ${ifExists}${list}`,
    onEach('SHARE UPDATE EXCLUSIVE', [{ lock: 'SHARE UPDATE EXCLUSIVE' }]),
  ],
  [`drop index ${ifExists}${list}`, onEach('ACCESS EXCLUSIVE', [{ lock: 'ACCESS EXCLUSIVE' }])],
  // A table may have foreign keys, and the tables that they point to are locked as well.
  [
    `drop table ${ifExists}${list}`,
    (found) => ({ ...onEach('ACCESS EXCLUSIVE')(found, ''), isComplete: false }),
  ],
  [
    `drop (?:view|materialized view|sequence|foreign table) ${ifExists}${list}`,
    onEach('ACCESS EXCLUSIVE'),
  ],
  [
    `create (?:(?:global |local )?temp(?:orary)? |unlogged )?table (?<guarded>if not exists )?(?<made>${qualifiedName})`,
    createTable,
  ],
  [`create or replace (?:temp(?:orary)? )?(?:recursive )?view ${rel}`, on('ACCESS EXCLUSIVE')],
  [
    `create (?:temp(?:orary)? |unlogged )?(?:recursive view|view|materialized view|sequence) (?<guarded>if not exists )?(?<made>${qualifiedName})`,
    (found) => ({ ...told(), ...madeBy(found) }),
  ],
  [
    `alter table ${ifExists}(?:only )?(?!all )${rel}(?: \\*)? (?<rest>.*)`,
    ({ relation = '', rest = '' }) => alterTableLocks(relation, rest),
  ],
  [
    String.raw`alter index ${ifExists}(?!all )${rel} (?:rename|set \(|reset|alter)`,
    on('SHARE UPDATE EXCLUSIVE'),
  ],
  [`alter sequence ${ifExists}${rel} (?:rename|owner|set)\\b`, on('ACCESS EXCLUSIVE')],
  [`alter sequence ${ifExists}${rel}`, on('SHARE ROW EXCLUSIVE')],
  [`alter (?:index|view) ${ifExists}(?!all )${rel}`, on('ACCESS EXCLUSIVE')],
  [`create (?:or replace )?(?:constraint )?trigger .*? on ${rel}`, on('SHARE ROW EXCLUSIVE')],
  [`(?:drop|alter) trigger ${ifExists}${namePart} on ${rel}`, on('ACCESS EXCLUSIVE')],
  [`create (?:or replace )?rule .*? to ${rel}`, on('ACCESS EXCLUSIVE')],
  [`(?:drop|alter) rule ${ifExists}${namePart} on ${rel}`, on('ACCESS EXCLUSIVE')],
  [`(?:create|drop|alter) policy ${ifExists}${namePart} on ${rel}`, on('ACCESS EXCLUSIVE')],
  [`create statistics .*? from ${rel}$`, on('SHARE UPDATE EXCLUSIVE')],
  [`refresh materialized view concurrently ${rel}`, on('EXCLUSIVE')],
  [`refresh materialized view ${rel}`, on('ACCESS EXCLUSIVE')],
  [
    String.raw`reindex (?:\(.*?\) )?(?:index|table) concurrently ${rel}`,
    on('SHARE UPDATE EXCLUSIVE', [{ lock: 'SHARE UPDATE EXCLUSIVE' }]),
  ],
  [String.raw`reindex (?:\(.*?\) )?index ${rel}`, on('ACCESS EXCLUSIVE', [{ lock: 'SHARE' }])],
  [String.raw`reindex (?:\(.*?\) )?table ${rel}`, on('SHARE', [{ lock: 'ACCESS EXCLUSIVE' }])],
  [
    `comment on column (?<relation>${namePart}(?: *\\. *${namePart}(?= *\\. *${namePart}))?)`,
    on('SHARE UPDATE EXCLUSIVE'),
  ],
  [
    `comment on (?:table|view|materialized view|index|sequence|foreign table) ${rel}`,
    on('SHARE UPDATE EXCLUSIVE'),
  ],
  [
    String.raw`vacuum (?:\([^)]*\bfull\b[^)]*\)|full\b)(?: (?:freeze|verbose|analyze))* ${rel}`,
    on('ACCESS EXCLUSIVE'),
  ],
  [
    String.raw`(?:vacuum|analyze)(?: \([^)]*\))?(?: (?:freeze|verbose|analyze))* ${rel}`,
    on('SHARE UPDATE EXCLUSIVE'),
  ],
  [String.raw`cluster (?:\([^)]*\) |verbose )?${rel}`, on('ACCESS EXCLUSIVE')],
  [
    String.raw`create (?:or replace )?(?:type|domain|schema|function|procedure|aggregate|operator|cast|collation|role|user)\b`,
    nothing,
  ],
  [String.raw`alter type ${qualifiedName} (?:add value|rename value|owner|rename to)\b`, nothing],
  [String.raw`alter (?:function|procedure|routine|aggregate|schema|default privileges)\b`, nothing],
  [String.raw`drop (?:function|procedure|routine|aggregate|role|user)\b(?!.*\bcascade$)`, nothing],
  [String.raw`(?:grant|revoke|set|reset|show|comment on)\b`, nothing],
];

const forms = commands.map(([pattern, read]) => ({
  pattern: new RegExp(`^${pattern.replaceAll(/ (?!\*)/g, String.raw`\s+`)}`, 's'),
  read,
}));

/** @param command One of `readCommands()`. */
export function readCommandLocks(command: string): CommandLocks {
  for (const { pattern, read } of forms) {
    const found = pattern.exec(command);
    if (found) return read(found.groups ?? {}, command);
  }
  return notTold({}, command);
}

function lockTable({ list: relations = '', mode = 'access exclusive' }: Groups): CommandLocks {
  const lock = lockModes.find((each) => each === mode.toUpperCase());
  return lock ? onEach(lock)({ list: relations }, '') : unknown;
}

const references = new RegExp(String.raw`\breferences\s+(${qualifiedName})`, 'g');
const parent = new RegExp(String.raw`^\s+partition\s+of\s+(${qualifiedName})`);
const parents = /\binherits\s*\(([^)]*)\)/;

/** The table is new; what it points to is not. */
function createTable(found: Groups, command: string): CommandLocks {
  const { made = '' } = found;
  const rest = command.slice(command.indexOf(made) + made.length);
  const partitioned = parent.exec(rest)?.[1];
  return {
    ...told(
      ...[...rest.matchAll(references)].map(([, relation = '']): CommandLock => ({
        lock: 'SHARE ROW EXCLUSIVE',
        relation,
      })),
      ...(partitioned === undefined
        ? []
        : [{ lock: 'ACCESS EXCLUSIVE', relation: partitioned } as const]),
      ...onEach('SHARE UPDATE EXCLUSIVE')({ list: parents.exec(rest)?.[1] }, '').locks,
    ),
    ...madeBy(found),
  };
}

/** With IF NOT EXISTS it may have been there before. */
function madeBy({ made, guarded }: Groups): Pick<CommandLocks, 'makes'> {
  return made === undefined || guarded !== undefined ? {} : { makes: made };
}
