import { defineConfig } from 'slipway';

/** Nothing listens at this port. */
export default defineConfig({
  pool: 'postgres://postgres@127.0.0.1:1/none',
  plugins: [{ id: 'notes', migrations: [{ name: '0001-notes', run: () => {} }] }],
  connect: { wait: 0 },
});
