import { isRecord } from '../../core/foreign-value.ts';

/** The kinds of things with a name of their own that drizzle-kit keeps in a snapshot. */
export type SnapshotKind = 'table' | 'type' | 'sequence' | 'view' | 'index';

/** Something that drizzle-kit has made in `public`, as far as it knows. */
export interface SnapshotObject {
  readonly kind: SnapshotKind;
  readonly name: string;
}

type Group = Readonly<Record<string, { readonly isExisting?: boolean } | undefined>>;

/** The parts of a snapshot of drizzle-kit 0.x that hold named things; keys read `public.users`. */
interface KeyedSnapshot {
  readonly tables?: Readonly<Record<string, { readonly indexes?: object }>> | null;
  readonly enums?: Group;
  readonly sequences?: Group;
  readonly views?: Group;
}

/** A snapshot of drizzle-kit 1.x: one list of everything. */
interface ListedSnapshot {
  readonly ddl: readonly {
    readonly entityType: string;
    readonly schema?: string;
    readonly name?: string;
    readonly isExisting?: boolean;
  }[];
}

const prefix = 'public.';
const kinds: Readonly<Record<string, SnapshotKind>> = {
  tables: 'table',
  enums: 'type',
  sequences: 'sequence',
  views: 'view',
  indexes: 'index',
};

/**
 * Reads what a snapshot has in `public`. A view that is declared as existing is left out: it is made elsewhere.
 *
 * @returns undefined when it is no snapshot. Taken for an empty one, it would own nothing.
 */
export function parseSnapshot(snapshot: unknown): readonly SnapshotObject[] | undefined {
  if (!isRecord(snapshot)) return undefined;
  if ('ddl' in snapshot && Array.isArray(snapshot.ddl)) {
    return objectsInList(snapshot as unknown as ListedSnapshot);
  }
  const isKeyed = 'tables' in snapshot && typeof snapshot.tables === 'object';
  return isKeyed ? objectsInKeys(snapshot) : undefined;
}

function objectsInList({ ddl }: ListedSnapshot): readonly SnapshotObject[] {
  return ddl.flatMap(({ entityType, schema, name, isExisting }) => {
    const kind = kinds[entityType];
    const isOwn = schema === 'public' && name !== undefined && isExisting !== true;
    return kind && isOwn ? [{ kind, name }] : [];
  });
}

function objectsInKeys(snapshot: KeyedSnapshot): readonly SnapshotObject[] {
  const indexes = Object.entries(snapshot.tables ?? {})
    .filter(([key]) => key.startsWith(prefix))
    .flatMap(([, table]) => Object.keys(table.indexes ?? {}));
  return [
    ...(['tables', 'enums', 'sequences', 'views'] as const).flatMap((group) =>
      objectsInGroup(kinds[group] ?? 'table', snapshot[group] as Group | undefined),
    ),
    ...indexes.map((name) => ({ kind: 'index' as const, name })),
  ];
}

function objectsInGroup(kind: SnapshotKind, group: Group = {}): readonly SnapshotObject[] {
  return Object.entries(group ?? {})
    .filter(([key, value]) => key.startsWith(prefix) && value?.isExisting !== true)
    .map(([key]) => ({ kind, name: key.slice(prefix.length) }));
}
