import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headline, readStory } from 'slipway/insight';
import { exportHtml } from 'slipway/inspector';

const folder = await mkdtemp(join(tmpdir(), 'slipway-export-'));
const story = await readStory(new URL('../insight/after.jsonl', import.meta.url));
await writeFile(join(folder, 'boot.html'), exportHtml(story));
console.log(headline(story));
await rm(folder, { recursive: true });
