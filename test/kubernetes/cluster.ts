import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../support/database.ts';
import type { Image } from './image.ts';
import type { Cluster } from './kubelet.ts';
import { exampleFolder, manifests, type Kinds } from './manifests.ts';

/** A cluster whose PostgreSQL is a database of the test. */
export interface TestCluster extends Cluster, AsyncDisposable {
  /** The connection string of each role in `roles.sql`. */
  readonly urls: Readonly<Record<'guestbook_migrate' | 'guestbook_app', string>>;
}

/**
 * Makes the roles of the example in a database, and the values of its Secrets for that database. Roles belong to the whole
 * server, so they have the name of the database in place of `guestbook`. They are dropped at the end of the scope.
 *
 * @param through The server as the backend sees it, such as a proxy; by default the database itself.
 */
export async function createCluster(
  images: Readonly<Record<string, Image>>,
  database: Pick<Database, 'name' | 'url' | 'query'>,
  through = database.url,
): Promise<TestCluster> {
  const rename = (text: string): string => text.replaceAll('guestbook', database.name);
  await database.query(rename(readFileSync(join(exampleFolder, 'roles.sql'), 'utf8')));
  const secrets = Object.fromEntries(
    manifests
      .filter(({ kind }) => kind === 'Secret')
      .flatMap(({ object }) => {
        const { metadata, stringData = {} } = object as Kinds['Secret'];
        return Object.entries(stringData).map(([key, value]) => [
          `${metadata?.name}/${key}`,
          connectionFor(value, metadata?.name === 'guestbook-app' ? through : database.url, rename),
        ]);
      }),
  );
  const urlOf = (role: string): string =>
    connectionFor(`postgres://${role}@x`, database.url, rename);
  return {
    images,
    secrets,
    urls: {
      guestbook_migrate: urlOf('guestbook_migrate'),
      guestbook_app: urlOf('guestbook_app'),
    },
    async [Symbol.asyncDispose]() {
      // One after the other: PostgreSQL stumbles over the default privileges of one role for the other.
      for (const role of ['guestbook_app', 'guestbook_migrate'].map(rename)) {
        await database.query(`DROP OWNED BY ${role} CASCADE`);
        await database.query(`DROP ROLE ${role}`);
      }
    },
  };
}

/** The role and the password are those of the Secret, the server and the database those of the test. */
function connectionFor(secret: string, server: string, rename: (text: string) => string): string {
  const { username, password } = new URL(secret);
  const url = new URL(server);
  url.username = rename(username);
  url.password = password;
  return url.href;
}
