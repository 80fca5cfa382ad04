/** The arguments for Node.js before the path of a program in TypeScript. */
export const runTypeScript: readonly string[] = [
  '--import',
  new URL('./typescript.mjs', import.meta.url).href,
];
