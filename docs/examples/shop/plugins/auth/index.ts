import { drizzle } from 'drizzle-orm/node-postgres';
import { definePlugin, serviceRef } from 'slipway';
import { choiceField, idOf, textField } from '../../http/fields.ts';
import { router } from '../../http/routes.ts';
import { startWorker } from '../../worker.ts';
import { createAccounts } from './accounts.ts';
import type { Accounts, NewAccount } from './accounts.ts';
import { authApi } from './api.ts';
import { userRole } from './schema.ts';

/** Not for other plugins: `ready` sees what `init` returned. */
const accountsService = serviceRef<Accounts>('auth.accounts');

const demoAccounts: readonly NewAccount[] = [
  { email: 'customer@shop.example', name: 'Carla Customer', password: 'ahoy' },
  { email: 'staff@shop.example', name: 'Stan Staff', password: 'ahoy', role: 'staff' },
];

/** Who the users are, and what they may do. */
export const auth = definePlugin({
  id: 'auth',
  version: '2.0.0',
  migrations: new URL('./drizzle', import.meta.url),
  database: (pool) => drizzle({ client: pool }),
  deps: { routes: router },
  provides: { api: authApi, accounts: accountsService },
  init({ routes, database, logger, onStop }) {
    const accounts = createAccounts(database);

    routes.post('/users', ({ body }) =>
      accounts.signUp({
        email: textField(body, 'email'),
        name: textField(body, 'name'),
        password: textField(body, 'password'),
      }),
    );
    routes.post('/sessions', ({ body }) =>
      accounts.signIn(textField(body, 'email'), textField(body, 'password')),
    );
    routes.get('/me', (request) => accounts.userOf(request));
    routes.post('/users/:id/roles', async (request) => {
      const by = await accounts.userWithRole(request, 'staff');
      const role = choiceField(request.body, 'role', userRole.enumValues);
      return accounts.giveRole(idOf(request), role, by);
    });

    const janitor = startWorker(() => accounts.forgetExpiredSessions(), {
      name: 'forgetting expired sessions',
      everyMs: 60_000,
      logger,
    });
    onStop(() => janitor.stop());
    return { api: accounts, accounts };
  },
  async ready({ accounts }) {
    for (const account of demoAccounts) await accounts.ensure(account);
  },
});
