import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeSvg } from '../../../src/insight/exports/svg.ts';
import { storyOf } from '../../../src/insight/story.ts';
import { runStaged } from '../staged-boot.ts';
import {
  anyStory,
  hostileNames,
  makeHostile,
  stage,
  tell,
  tellExample,
  tellMany,
} from './stories.ts';

const tag = /<(?:\/([a-z]+)|([a-zA-Z]+)((?:\s[a-zA-Z0-9:-]+="[^"<]*")*)\s?(\/?))>/y;
const text = /[^<>&]+|&(?:amp|lt|gt|quot|#39);/y;

/** Reads an XML document strictly, and returns its elements with their attributes. */
function readXml(document: string) {
  expect(document.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Surrogate}\uFFFE\uFFFF]/u);
  const elements: { readonly name: string; readonly attributes: string }[] = [];
  const open: string[] = [];
  for (let at = 0; at < document.length;) {
    tag.lastIndex = at;
    text.lastIndex = at;
    const found = tag.exec(document) ?? text.exec(document);
    if (!found) throw new Error(`not XML: ${document.slice(at, at + 80)}`);
    const [all, closing, opening, attributes = '', slash] = found;
    at += all.length;
    if (closing !== undefined && open.pop() !== closing) throw new Error(`not open: ${closing}`);
    if (opening === undefined) continue;
    elements.push({ name: opening, attributes });
    if (/&(?!amp;|lt;|gt;|quot;|#39;)/.test(attributes)) throw new Error(`not XML: ${all}`);
    if (slash === '') open.push(opening);
  }
  expect(open).toEqual([]);
  return elements;
}

/** Checks that a picture stands alone: it can run nothing and load nothing. */
function expectToStandAlone(picture: string): void {
  const elements = readXml(picture);
  const names = new Set(elements.map(({ name }) => name));
  const known = ['svg', 'title', 'style', 'defs', 'pattern', 'path', 'rect', 'text', 'line'];
  for (const name of names) expect(known).toContain(name);
  const attributes = elements.map((element) => element.attributes).join('');
  expect(attributes).not.toMatch(/\son[a-z]+=|href=|NaN|Infinity|undefined/);
  expect(picture.match(/url\((?!#slipway-)/g)).toBeNull();
  expect(picture).not.toMatch(/@import|@font-face/);
}

describe('the picture of a boot', () => {
  it('is XML that stands alone, for every boot and at every moment', async () => {
    await fc.assert(
      fc.asyncProperty(anyStory, async ({ boot, untilMs }) => {
        expectToStandAlone(writeSvg(await tell(boot, untilMs)));
      }),
      { numRuns: 50 },
    );
  });

  it('stands alone whatever the names are', async () => {
    const told = await runStaged(
      stage([{ files: [[3]], lockedForMs: 9, migrate: 'failed' }, { needs: [0] }]),
    );
    for (const name of hostileNames) {
      expectToStandAlone(writeSvg(storyOf(makeHostile({ ...told, id: name }, name))));
    }
  });

  it('explains each bar in a tooltip, and says in words what failed', async () => {
    const picture = writeSvg(await tellExample());
    const titles = [...picture.matchAll(/<title>([^<]*)<\/title>/g)].map(([, title]) => title);
    expect(titles[0]).toBe(
      '2 of 4 plugins are up after 254ms: p3 did not start because init of p2 failed',
    );
    expect(titles).toEqual(
      expect.arrayContaining([
        'migrate p1 waited 66ms for the migration lock of slipway/other@pod-2 (pid 4711, active)',
        '0.sql of p1 (file 1 of 1): rolledBack, 8ms',
        'statement 1 of 2 of 0.sql: CREATE TABLE, 12ms',
        'init p2: failed, 12ms: init of p2 failed',
      ]),
    );
    expect(picture).toContain('✕ init failed</text>');
    expect(picture).toContain('✓ up</text>');
  });

  it('follows the theme of its reader', async () => {
    expect(writeSvg(await tellExample())).toContain('@media (prefers-color-scheme:dark)');
  });

  it('cuts out the time between the launch and the way down', async () => {
    const day = 24 * 3_600_000;
    const picture = writeSvg(await tell(stage([{}, { needs: [0] }], { stopAtMs: day })));
    expect(picture).toContain('24h later</text>');
    const [, width] = /width="([\d.]+)" height="14" class="slipway-init"/.exec(picture) ?? [];
    expect(Number(width)).toBeGreaterThan(100);
  });

  it('grows with the plugins, and stays below 2 kB for each', async () => {
    const picture = writeSvg(await tellMany(300));
    expectToStandAlone(picture);
    expect(picture.match(/✓ up/g)).toHaveLength(300);
    expect(picture.length).toBeLessThan(300 * 2_000);
    const [, height] = /height="(\d+)"/.exec(picture) ?? [];
    expect(Number(height)).toBeGreaterThan(300 * 20);
  });
});
