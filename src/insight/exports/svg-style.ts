import { waitKinds, type WaitKind } from '../../core/waits.ts';

/** The colours of a theme, by the class of what they are for. */
const colours = {
  back: ['#ffffff', '#0d1117'],
  stripe: ['#f6f8fa', '#131922'],
  text: ['#1f2328', '#e6edf3'],
  soft: ['#59636e', '#9198a1'],
  grid: ['#dfe3e8', '#262c36'],
  on: ['#ffffff', '#0d1117'],
  bad: ['#cf222e', '#ff7b72'],
  good: ['#1a7f37', '#3fb950'],
  chain: ['#bf3989', '#f778ba'],
  migrate: ['#b6d4fe', '#1f3f70'],
  file: ['#4d94f7', '#4184e4'],
  statement: ['#1158c7', '#8ec3ff'],
  init: ['#2da44e', '#3fb950'],
  ready: ['#12827c', '#39c5bb'],
  stop: ['#6e7781', '#8b949e'],
  phase: ['#57606a', '#8b949e'],
  dependency: ['#6e7781', '#8b949e'],
  gate: ['#8c959f', '#6e7681'],
  slot: ['#bf8700', '#d29922'],
  connection: ['#0a7ea4', '#39a7c9'],
  lock: ['#d1570a', '#f0883e'],
  retry: ['#8250df', '#bc8cff'],
  database: ['#7d4e00', '#c69026'],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

/** A class of the picture that has a colour. */
export type ColourName = keyof typeof colours;

/** Each reason to wait has a pattern of its own, for readers who do not see its colour. In a square of 6 by 6. */
const patterns: Readonly<Record<WaitKind, string>> = {
  dependency: 'M-1 1L1-1M0 6L6 0M5 7L7 5',
  gate: 'M1.5 2.5H2.5M4.5 5.5H5.5',
  slot: 'M1.5 0V6M4.5 0V6',
  connection: 'M0 1.5H6M0 4.5H6',
  lock: 'M-1 1L1-1M0 6L6 0M5 7L7 5M-1 5L1 7M0 0L6 6M5-1L7 1',
  retry: 'M-1 5L1 7M0 0L6 6M5-1L7 1',
  database: 'M0 4.5L3 1.5L6 4.5',
};

/** The prefix keeps names apart from those of a page that the picture is put into. */
const prefix = 'slipway';
/** The class of the whole picture. */
export const svgClass = prefix;

/** The class of a thing. */
export function nameClass(name: string): string {
  return `${prefix}-${name}`;
}

function writeTheme(theme: 0 | 1): string {
  const rules = Object.entries(colours).map(([name, pair]) => {
    const colour = pair[theme];
    const fill = `.${prefix}-${name}{fill:${colour}}`;
    const isWait = (waitKinds as readonly string[]).includes(name);
    return isWait ? `${fill}.${prefix}-hatch-${name}{stroke:${colour}}` : fill;
  });
  const lines = ['grid', 'soft', 'chain', 'bad', 'text'] as const;
  const strokes = lines.map((name) => `.${prefix}-line-${name}{stroke:${colours[name][theme]}}`);
  return [...rules, ...strokes, `.${prefix}-halo{stroke:${colours.back[theme]}}`].join('');
}

/** The style of the picture: two themes, and no font that a machine may lack. */
export function writeStyle(): string {
  const font =
    'ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif';
  return [
    `<style>.${prefix} text{font-family:${font};font-size:11px}`,
    `.${prefix} .${prefix}-end{text-anchor:end}.${prefix} .${prefix}-middle{text-anchor:middle}`,
    `.${prefix} .${prefix}-strong{font-weight:600}.${prefix} .${prefix}-headline{font-size:17px;font-weight:600}`,
    `.${prefix} .${prefix}-small{font-size:9.5px}`,
    `.${prefix}-halo{stroke-width:3px;paint-order:stroke;stroke-linejoin:round}`,
    writeTheme(0),
    `@media (prefers-color-scheme:dark){${writeTheme(1)}}</style>`,
  ].join('');
}

/** The patterns of waits. */
export function writePatterns(): string {
  const defs = waitKinds.map(
    (kind) =>
      `<pattern id="${prefix}-${kind}" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" class="${prefix}-${kind}" opacity="0.2"/><path d="${patterns[kind]}" class="${prefix}-hatch-${kind}" fill="none" stroke-width="1.1"/></pattern>`,
  );
  return `<defs>${defs.join('')}</defs>`;
}
