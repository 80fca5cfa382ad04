import { execFileSync } from 'node:child_process';

/** The user a server runs as, in the form `spawn` wants. */
export interface ServerIdentity {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root, so root lends one of these; everyone else runs it as themselves. */
const USERS = ['postgres', 'nobody'] as const;

/**
 * Chooses the user the server runs as: `undefined` means the current one.
 * Throws when this is root and the machine has no user to lend.
 */
export function chooseServerIdentity(): ServerIdentity | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of USERS) {
    const uid = askId('-u', user);
    const gid = askId('-g', user);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error(
    `PostgreSQL does not run as root, and there is no user ${USERS.join(' or ')} to run it as. ` +
      'Run as a normal user, create one of them, or set DATABASE_URL.',
  );
}

/** Asks `id`, not /etc/passwd: users may come from elsewhere, and Node has no getpwnam. */
function askId(flag: '-u' | '-g', user: string): number | undefined {
  try {
    const answer = execFileSync('id', [flag, user], { stdio: ['ignore', 'pipe', 'ignore'] });
    return Number(answer.toString());
  } catch {
    return undefined;
  }
}
