import { gzipSync } from 'node:zlib';
import { writeRecording } from '../insight/write-recording.ts';
import type { Story } from '../insight/story.ts';
import { allowInside } from './content-policy.ts';
import { readPage } from './page-file.ts';

/**
 * Writes a story as one HTML file: the page of the inspector with the recording inside. It needs no server and no network.
 *
 * @throws BootError `RECORDING_UNREADABLE` when the boot of the story has not begun; `INSPECTOR_UNAVAILABLE` when the page is
 * not there
 * @example await writeFile('boot.html', exportHtml(await readStory('boot.jsonl')));
 */
export function exportHtml(story: Story): string {
  const recording = writeRecording(story).join('\n');
  const page = readPage();
  const begin = `<script type="module">${unpack}</script>`;
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${allowInside(page + begin).join('; ')}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>Slipway</title>
  </head>
  <body>
    <noscript>This page shows the recording of a boot. It needs JavaScript.</noscript>
    <script type="text/plain" id="packed-page">${pack(page)}</script>
    <script type="text/plain" id="packed-recording">${pack(recording)}</script>
    ${begin}
  </body>
</html>
`;
}

/** A third of its size, in letters and digits that cannot end an element. */
function pack(text: string): string {
  return gzipSync(text, { level: 9 }).toString('base64');
}

/** Runs in the browser. The policy of the file allows the scripts and styles of the page by their hashes, so they stay whole. */
const unpack = `
const read = (id) => {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (sign) => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
};
const put = (parent, name, parts) => parent.append(Object.assign(document.createElement(name), parts));
const [html, recording] = await Promise.all([read('packed-page'), read('packed-recording')]);
const page = new DOMParser().parseFromString(html, 'text/html');
document.body.replaceChildren(page.querySelector('#app'));
put(document.body, 'script', { type: 'application/jsonl', id: 'recording', textContent: recording });
for (const { textContent } of page.querySelectorAll('style')) put(document.head, 'style', { textContent });
for (const { type, textContent } of page.querySelectorAll('script')) put(document.body, 'script', { type, textContent });
`;
