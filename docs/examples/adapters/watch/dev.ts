import { createServer, createServerModuleRunner } from 'vite';

// Runs main.ts again whenever it, or a file that it imports, has changed.
const vite = await createServer({
  appType: 'custom',
  server: { middlewareMode: true, ws: false },
  ssr: { external: ['slipway'] }, // Node.js imports packages, once. This is for one that is linked.
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void vite.close());
await createServerModuleRunner(vite.environments.ssr).import('/main.ts');
