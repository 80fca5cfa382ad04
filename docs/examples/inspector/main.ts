import { createBoot, definePlugin } from 'slipway';
import { createInspector } from 'slipway/inspector';
import { startPostgres } from 'slipway/testing';

const postgres = await startPostgres();
const migrations = new URL('../guides/drizzle/', import.meta.url);
const books = definePlugin({ id: 'books', migrations });
const boot = createBoot({ pool: postgres.url, plugins: [books] });

const inspector = await createInspector(boot);
console.error(`Open ${inspector.url}`);

await boot.start();
const page = await fetch(inspector.url);
console.log(`The page answers with ${page.status}`);
const stranger = await fetch(new URL('/', inspector.url));
console.log(`Without the token it answers with ${stranger.status}`);

await boot.stop();
await inspector.close();
await postgres.stop();
