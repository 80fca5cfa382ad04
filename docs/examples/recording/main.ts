import { createBoot, definePlugin } from 'slipway';
import { headline, readStory } from 'slipway/insight';
import { startPostgres } from 'slipway/testing';

const postgres = await startPostgres();
const migrations = new URL('../guides/drizzle/', import.meta.url);
const books = definePlugin({ id: 'books', migrations });

let recording = '';
const boot = createBoot({
  pool: postgres.url,
  plugins: [books],
  record: (lines) => (recording += lines),
});
await boot.start();
await boot.stop();
await postgres.stop();

// A process that is killed in its second migration file leaves this much.
const inSecondFile = recording.indexOf('"command":"ALTER TABLE"');
const cut = recording.slice(0, recording.indexOf('\n', inSecondFile) + 10);
const story = await readStory(cut.split('\n'));
console.log(story.end);
console.log(headline(story).replace(/has run for \S+/, 'has run for a moment'));
