import { expect } from 'vitest';

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
export function expectToStandAlone(picture: string): void {
  const elements = readXml(picture);
  const names = new Set(elements.map(({ name }) => name));
  const known = ['svg', 'title', 'style', 'defs', 'pattern', 'path', 'rect', 'text', 'line'];
  for (const name of names) expect(known).toContain(name);
  const attributes = elements.map((element) => element.attributes).join('');
  expect(attributes).not.toMatch(/\son[a-z]+=|href=|NaN|Infinity|undefined/);
  expect(picture.match(/url\((?!#slipway-)/g)).toBeNull();
  expect(picture).not.toMatch(/@import|@font-face/);
}
