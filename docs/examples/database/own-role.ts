import { definePlugin, serviceRef } from 'slipway';

export const cardsApi = serviceRef<{ save(number: string): Promise<void> }>('payments.cards');

/** Card numbers: no other plugin may read them, not even by a qualified name. */
export const payments = (url: string) =>
  definePlugin({
    id: 'payments',
    // The role of this URL may do what the migrations grant it. They themselves run as the role of the boot's pool.
    pool: url,
    migrations: [
      {
        name: '0000_cards',
        async run(client) {
          await client.query(
            'CREATE TABLE cards (number text, saved_by text DEFAULT current_user)',
          );
          await client.query('GRANT USAGE ON SCHEMA plugin_payments TO payments');
          await client.query('GRANT INSERT ON cards TO payments');
        },
      },
    ],
    provides: { cardsApi },
    init: ({ database }) => ({
      cardsApi: {
        async save(number) {
          await database.query('INSERT INTO cards (number) VALUES ($1)', [number]);
        },
      },
    }),
  });
