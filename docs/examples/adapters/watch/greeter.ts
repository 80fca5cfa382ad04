import { definePlugin, serviceRef } from 'slipway';

export const greeterApi = serviceRef<{ greet(): string }>('greeter.api');

export const greeter = definePlugin({
  id: 'greeter',
  migrations: [
    {
      name: '0000_greetings',
      run: (client) => client.query('CREATE TABLE greetings (at timestamptz DEFAULT now())'),
    },
  ],
  provides: { greeterApi },
  async init({ database, onStop }) {
    let greetings = 0;
    const count = async (): Promise<void> => {
      const { rows } = await database.query('SELECT count(*)::int AS count FROM greetings');
      greetings = rows[0].count;
    };
    await count();
    // Without the handler, the timer of each boot would go on in the process of Vite.
    const timer = setInterval(() => void count().catch(console.error), 1_000);
    onStop(() => {
      clearInterval(timer);
      console.log('greeter: stopped');
    });
    return { greeterApi: { greet: () => `Good morning, greeting ${greetings + 1}` } };
  },
});
