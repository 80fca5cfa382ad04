/**
 * Reads the list `packages` of a pnpm-workspace.yaml: one item a line, or `[a, b]`. This is all of YAML that the list is
 * ever written in; anything else is refused rather than misread.
 *
 * @returns The patterns; `undefined` when there is no such list.
 * @throws Error naming the line that is not understood.
 * @example readPnpmPatterns("packages:\n  - 'plugins/*'\n") // ['plugins/*']
 */
export function readPnpmPatterns(text: string): readonly string[] | undefined {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const start = lines.findIndex((line) => packagesKey.test(line));
  if (start < 0) return undefined;
  const rest = (lines[start] ?? '').replace(packagesKey, '');
  if (isBlank(rest)) return blockList(lines.slice(start + 1));
  return flowList([rest, ...lines.slice(start + 1)].map(withoutComment).join(' '));
}

const packagesKey = /^(?:packages|'packages'|"packages")\s*:(?=\s|$)/;
const scalar =
  /^(?:'(?<single>(?:[^']|'')*)'|"(?<double>[^"\\]*)"|(?<plain>[^\s'"[\]{}&*!|>%@`#,][^#,[\]{}]*))$/;

function blockList(lines: readonly string[]): readonly string[] {
  const patterns: string[] = [];
  for (const line of lines) {
    if (isBlank(line)) continue;
    const item = /^\s*-(?<item>\s.*)$/.exec(withoutComment(line))?.groups?.['item'];
    if (item === undefined) {
      if (/^\S/.test(line)) break;
      throw notUnderstood(line);
    }
    patterns.push(unquote(item));
  }
  return patterns;
}

function flowList(text: string): readonly string[] {
  const inside = /^\s*\[(?<inside>[^\]]*)\]/.exec(text)?.groups?.['inside'];
  if (inside === undefined) throw notUnderstood(text);
  return inside
    .split(',')
    .filter((item) => !isBlank(item))
    .map(unquote);
}

function unquote(item: string): string {
  const groups = scalar.exec(item.trim())?.groups;
  const { single, double, plain } = groups ?? {};
  // A dash or a colon before a blank begins another list or a map.
  if (!groups || /^-\s|:(?:\s|$)/.test(plain ?? '')) throw notUnderstood(item);
  return single?.replaceAll("''", "'") ?? double ?? (plain ?? '').trim();
}

function isBlank(line: string): boolean {
  return withoutComment(line).trim() === '';
}

/** A `#` begins a comment at the start of a line and after a blank; no pattern has a blank before one. */
function withoutComment(line: string): string {
  return line.replace(/(?:^|\s)#.*$/, '');
}

function notUnderstood(text: string): Error {
  return new Error(`"packages" has to be a list of patterns; not understood: ${text.trim()}`);
}
