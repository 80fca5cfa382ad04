import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FreshDatabase } from '../stock/fresh-database.ts';
import { compareStructure, readStructure } from '../stock/read-structure.ts';
import { compareContents, type WrongTable } from './compare-contents.ts';
import type { Moment } from './moments.ts';
import type { Reference } from './reference.ts';
import type { Replica, ReplicaStarter, Settlement } from './replica.ts';
import { StartingLine } from './starting-line.ts';

/** Several replicas at once on a fresh database; in a round with a moment, one of them is killed there. */
export interface RoundPlan {
  readonly replicas: number;
  readonly moment?: Moment;
  readonly timeoutMs: number;
}

/** A replica with how its start ended. */
export interface Settled {
  readonly replica: Replica;
  readonly settlement: Settlement;
}

/** What a round has left. */
export interface RoundResult {
  readonly plan: RoundPlan;
  readonly settled: readonly Settled[];
  readonly structure: readonly string[];
  readonly tables: readonly WrongTable[];
}

/** Boots all replicas at once and, after one was killed, a new one; stops them, and compares what they leave. */
export async function runRound(
  plan: RoundPlan,
  database: FreshDatabase,
  starter: ReplicaStarter,
  reference: Reference,
): Promise<RoundResult> {
  const { moment, replicas: count, timeoutMs } = plan;
  const folder = await mkdtemp(join(tmpdir(), 'slipway-kill-'));
  const line = new StartingLine(count, moment?.kind === 'init' ? moment.plugin : undefined);
  const { url } = database;
  const start = async (number: number): Promise<Settled> => {
    const kill = moment && { moment, claim: join(folder, 'killed') };
    const order = { number, url, timeoutMs, ...(kill && { kill }) };
    const replica = await starter.start(order, line.arrive);
    const settlement = await replica.settled;
    if (settlement.outcome !== 'up') line.leave();
    return { replica, settlement };
  };
  try {
    await lingerAfterChanges(database);
    const settled = await Promise.all(
      Array.from({ length: count }, (_, index) => start(index + 1)),
    );
    if (moment) settled.push(await startLater(count + 1, plan, database, starter));
    await Promise.all(settled.map(({ replica }) => replica.stop()));
    const structure = compareStructure(
      await readStructure(database, reference.names),
      reference.structure,
      { here: 'here', there: 'after a single boot' },
    );
    return { plan, settled, structure, tables: await compareContents(database, reference) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const lingerSql = `
  create schema slipway_testing;
  create function slipway_testing.linger() returns event_trigger language plpgsql set search_path = pg_catalog as $$
    begin
      if not exists (select from pg_event_trigger_ddl_commands())
        or exists (select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) then return; end if;
      for turn in 1..20 loop
        exit when exists (select from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid)));
        perform pg_sleep(0.01);
      end loop;
    end $$;
  create event trigger slipway_testing_linger on ddl_command_end execute function slipway_testing.linger()`;

/**
 * Has a session that creates something without an advisory lock wait, for a fifth of a second at most, until another one wants to
 * create the same: two that look for it at once then both create it, every time and not by chance. Only a superuser may do that.
 */
async function lingerAfterChanges({ ask }: FreshDatabase): Promise<void> {
  await ask(lingerSql).catch((error: unknown) => {
    if ((error as { readonly code?: unknown }).code !== insufficientPrivilege) throw error;
  });
}

const insufficientPrivilege = '42501';

/** Starts the replica that takes the place of the one that was killed. */
async function startLater(
  number: number,
  { timeoutMs }: RoundPlan,
  { url }: FreshDatabase,
  starter: ReplicaStarter,
): Promise<Settled> {
  const replica = await starter.start({ number, url, timeoutMs }, async () => undefined);
  return { replica, settlement: await replica.settled };
}
