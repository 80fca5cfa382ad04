/**
 * SQL that checks every deferred constraint now, as a COMMIT does, and then has those wait again that wait by default. Several
 * constraints of one schema may have one name; a name counts only when all of them can wait.
 */
export const settleConstraintsSql: readonly string[] = [
  'set constraints all immediate',
  `do $settle$
  declare waiting text;
  begin
    select string_agg(format('%I.%I', n.nspname, c.conname), ', ') into waiting
    from (select connamespace, conname from pg_constraint
        group by connamespace, conname having bool_or(condeferred) and bool_and(condeferrable)) c
      join pg_namespace n on n.oid = c.connamespace;
    if waiting is not null then execute 'set constraints ' || waiting || ' deferred'; end if;
  end $settle$`,
];
