import { readFleet, type Fleet, type FleetSession } from '../index.ts';
import { formatDuration } from '../insight.ts';
import { printAnswer } from './answer.ts';
import type { Input } from './command.ts';
import type { CommandOf } from './command-table.ts';
import type { FleetDocument } from './documents.ts';
import { withConfig } from './load-config.ts';
import { count } from './page.ts';

/** Shows the sessions of every replica, as PostgreSQL sees them. */
export async function showFleet({ options, output }: Input<CommandOf<'status'>>): Promise<void> {
  const fleet = await withConfig(options.config, ({ pool, migrationPool, migrations }) =>
    readFleet(migrationPool ?? pool, {
      ...(migrations?.schemaPrefix !== undefined && { schemaPrefix: migrations.schemaPrefix }),
    }),
  );
  const document: FleetDocument = { format: 'slipway.fleet/1', ...fleet };
  printAnswer(output, options, document, (page) => {
    page.table(
      columns,
      fleet.hosts.flatMap(({ host, sessions }) => sessions.map((each) => toRow(host, each))),
    );
    page.line(summarize(fleet));
    if (fleet.hosts.length === 0) page.line(unseen);
  });
}

const columns = [
  { title: 'host', isElastic: true },
  { title: 'plugin', isElastic: true },
  { title: 'pid', align: 'right' },
  { title: 'holds the lock of', isElastic: true },
  { title: 'state' },
  { title: 'for', align: 'right' },
  { title: 'waits for', isElastic: true, tone: 'warning' },
] as const;

function toRow(host: string, session: FleetSession): readonly string[] {
  const { applicationName = '', plugin, pid, holds, state = '', stateMs, blockedBy } = session;
  const blockers = blockedBy.map(({ pid: other, applicationName: by }) =>
    by === undefined ? `pid ${other}` : `${by} (pid ${other})`,
  );
  return [
    host,
    plugin ?? applicationName.replace(/^slipway\//, '').replace(/@.*$/, ''),
    String(pid),
    holds.join(', '),
    state,
    stateMs === undefined ? '' : formatDuration(stateMs),
    blockers.join(', '),
  ];
}

const unseen = 'A replica that waits for a lock has no session, and is not seen.';

/** One sentence: how many replicas migrate now. */
function summarize({ database, hosts }: Fleet): string {
  const migrating = hosts.filter(({ sessions }) =>
    sessions.some(({ plugin, holds }) => plugin !== undefined || holds.length > 0),
  );
  if (hosts.length === 0) return `No replica migrates the database ${database} now.`;
  const blocked = hosts.flatMap(({ sessions }) =>
    sessions.filter(({ blockedBy }) => blockedBy.length > 0),
  );
  const waiting = blocked.length === 0 ? '' : `, ${count(blocked.length, 'session')} blocked`;
  return `${count(migrating.length, 'host')} at work in the database ${database}${waiting}.`;
}
