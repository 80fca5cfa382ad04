import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { exportHtml } from '../../src/inspector.ts';
import { runLargeBoot } from './large-boot.ts';

const pageFile = new URL('../../dist/inspector/page.html', import.meta.url);

it('the page is smaller than 64 KiB when it is compressed', () => {
  expect(gzipSync(readFileSync(pageFile), { level: 9 }).length).toBeLessThan(64 * 1024);
});

it('an exported boot of 30 plugins with 3,000 events is smaller than 150 kB', async () => {
  const story = await runLargeBoot(30);
  expect(story.events.length).toBeGreaterThan(3_000);
  expect(exportHtml(story).length).toBeLessThan(150_000);
});
