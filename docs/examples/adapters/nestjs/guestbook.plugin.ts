import { definePlugin, serviceRef } from 'slipway';

export interface Entry {
  readonly id: number;
  readonly words: string;
}

export interface Guestbook {
  list(): Promise<readonly Entry[]>;
  write(words: string): Promise<Entry | undefined>;
}

export const guestbookApi = serviceRef<Guestbook>('guestbook.api');

/** A plugin as in any other host: it knows nothing of Nest. */
export const guestbook = definePlugin({
  id: 'guestbook',
  migrations: [
    {
      name: '0000_entries',
      run: (client) => client.query('CREATE TABLE entries (id serial PRIMARY KEY, words text)'),
    },
  ],
  provides: { guestbookApi },
  init({ database, onStop }) {
    onStop(() => console.log('guestbook: stopped'));
    return {
      guestbookApi: {
        async list() {
          const { rows } = await database.query<Entry>('SELECT id, words FROM entries ORDER BY id');
          return rows;
        },
        async write(words) {
          const { rows } = await database.query<Entry>(
            'INSERT INTO entries (words) VALUES ($1) RETURNING id, words',
            [words],
          );
          return rows[0];
        },
      },
    };
  },
});
