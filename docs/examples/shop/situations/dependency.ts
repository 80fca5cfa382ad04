import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { definePlugin, serviceRef } from 'slipway';
import { addToShop } from './situation.ts';
import type { Situation } from './situation.ts';

/** The connection to Redis, where the sessions of users are. */
const sessionStore = serviceRef<Socket>('sessions.store');

/** A port on which nothing listens: of those below 1024 the system gives none to a program that asks for any. */
const redis = { host: '127.0.0.1', port: 637 };

const sessions = definePlugin({
  id: 'sessions',
  version: '4.2.0',
  provides: { store: sessionStore },
  retry: { attempts: 3, backoff: '500ms' },
  async init({ signal, onStop }) {
    const store = connect(redis);
    onStop(() => void store.destroy());
    await once(store, 'connect', { signal });
    return { store };
  },
});

export const dependency: Situation = {
  says: 'sessions finds no Redis. auth needs it, and nine plugins need auth.',
  play: (_, boot) => boot(addToShop(sessions, sessionStore, 'auth')),
};
