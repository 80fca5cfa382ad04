import { createHash } from 'node:crypto';

const inlineElement = /<(script|style)\b[^>]*>([\s\S]*?)<\/\1>/g;

/**
 * Returns the directives of a Content-Security-Policy with which a browser runs the scripts and uses the styles that are inside
 * of this page, and loads nothing else.
 */
export function allowInside(html: string): readonly string[] {
  const hashes = { script: [] as string[], style: [] as string[] };
  for (const [, element, content = ''] of html.matchAll(inlineElement)) {
    const hash = createHash('sha256').update(content).digest('base64');
    hashes[element as 'script' | 'style'].push(`'sha256-${hash}'`);
  }
  return [
    "default-src 'none'",
    ...Object.entries(hashes)
      .filter(([, allowed]) => allowed.length > 0)
      .map(([element, allowed]) => `${element}-src ${allowed.join(' ')}`),
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ];
}
