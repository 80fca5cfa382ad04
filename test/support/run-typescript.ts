/** The arguments of Node.js that come before a program in TypeScript. */
export const runTypeScript: readonly string[] = [
  '--import',
  new URL('./typescript.mjs', import.meta.url).href,
];
