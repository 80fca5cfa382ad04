import { doctorChecks } from '../../src/boot/idle/doctor/check-table.ts';

const statuses = ['ok', 'warning', 'problem'] as const;

/** Writes the page about `examine()` and `slipway doctor`, with a section for each check. */
export function doctorPage(): string {
  const checks = Object.entries(doctorChecks).map(([id, check]) => {
    const meanings: Readonly<Partial<Record<string, string>>> = check;
    const rows = statuses.flatMap((status) => {
      const meaning = meanings[status];
      return meaning === undefined ? [] : `- **${status}**: ${meaning}`;
    });
    return `### ${id}\n\n${check.looksAt}\n\n${rows.join('\n')}\n\n**What to do:** ${check.remedy}`;
  });
  return `${intro}\n${checks.join('\n\n')}\n`;
}

const intro = `# Doctor

<!-- Made from src/boot/idle/doctor/check-table.ts by \`npm run docs\`. -->

\`slipway doctor\` examines a host, its plugins and its database: the versions, rights and settings that a boot needs, and what
earlier boots have left behind. It changes nothing, and needs no right but the one to connect. Run it before the first boot in
a new place, after a change of the server, and when a boot fails for no clear reason.

\`\`\`sh
slipway doctor                        # a line for each check, with what to do; ends with 0
slipway doctor --check --replicas 6   # ends with 3 when there is a problem; warnings and unknown answers are none
slipway doctor --json                 # one document, slipway.doctor/1
\`\`\`

\`\`\`ts
import { examine } from 'slipway';

const { status, checks } = await examine({ pool, plugins }, { replicas: 3 });
for (const { id, status, found, remedy } of checks) console.log(status, id, found, remedy ?? '');
\`\`\`

\`examine()\` takes the options of \`createBoot()\`. Each check has an \`id\`, a \`status\`, a sentence (\`found\`), the facts behind it
(\`evidence\`), and a \`remedy\` when there is something to do. All of it is plain JSON, with no SQL of other sessions and no
connection string.

- **A check does not end the others.** A server that does not answer is the problem of \`connection\`, and what needs one is
  \`unknown\`. \`found\` then has the reason.
- **\`unknown\` is no guess.** A role may not look into the sessions of other roles without \`pg_read_all_stats\`. Then the check
  says so, rather than that all is well.
- **The number of statements is fixed**, for any number of plugins: three round trips to measure, the survey of a boot, and one
  statement for everything else. A pool with one client is enough.
- **It ends in any case:** a connection has 5 s, the plugins have 15 s, and so have the answers. What did not answer is
  \`unknown\`.
- \`longAfter\` (default \`'1m'\`) sets how old a transaction, or an idle session with a migration lock, is when it is reported.

The rights, histories, extensions and stranded objects come from the survey, which each boot makes as well: [migrations](migrations.md).

## Every replica

\`slipway status --fleet\` shows the sessions of all replicas in a database, as PostgreSQL sees them: the host, the plugin that it
migrates, the lock that it holds, its state and since when, and the sessions that it waits for. \`readFleet(pool)\` returns the
same. Both send one statement.

\`\`\`text
  host   plugin   pid   holds the lock of  state     for  waits for
  web-1  auth     4711  plugin_auth        active  2.31s  psql (pid 4702)
  web-2  catalog  4715  plugin_catalog     active   40ms

2 hosts at work in the database shop, 1 session blocked.
\`\`\`

- A session has the name \`slipway/<plugin>@<host>\` while it migrates. A holder of a migration lock without such a name is shown
  as well, such as a session behind a pooler.
- **A replica that waits for a lock is not seen.** It holds no session between two attempts. Its own log, its probes and
  \`slipway why\` name the holder that it waits for.
- PostgreSQL does not keep when a lock was taken. \`connectedMs\` is the age of the session, and the lock is not older.
- The sessions of plugins that have started belong to the host's own pool, and have the name that it gives them.
- The SQL of a session is never shown.

## Checks
`;
