import { definePlugin, sqlFiles } from 'slipway';

export const library = definePlugin({
  id: 'library',
  migrations: [
    new URL('./several/drizzle', import.meta.url),
    {
      // Between two files of Drizzle, by its time.
      name: '20240501120000_import',
      async run(client) {
        const books = [
          [1, 'Short', 'To be'],
          [2, 'Long', 'It was the best of times'],
        ];
        for (const book of books) await client.query('INSERT INTO books VALUES ($1, $2, $3)', book);
      },
    },
    sqlFiles(new URL('./several/views', import.meta.url), { repeatable: true }),
  ],
});
