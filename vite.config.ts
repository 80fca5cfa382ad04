import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { viteSingleFile } from 'vite-plugin-singlefile';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Builds the page of the inspector: one file that needs no network. */
export default defineConfig({
  root: here('./src/inspector/page'),
  // The page needs no errors but those in the recording.
  resolve: {
    alias: [
      {
        find: /^\.\.?\/(?:core\/)?error(?:s|-codes|-record)\.ts$/,
        replacement: here('./src/inspector/page/core-errors.ts'),
      },
    ],
  },
  // Without an object of children in each element the page is smaller.
  oxc: {
    jsx: { runtime: 'classic', pragma: 'h', pragmaFrag: 'Fragment' },
    jsxInject: `import { h, Fragment } from 'preact'`,
  },
  plugins: [viteSingleFile({ removeViteModuleLoader: true })],
  build: {
    outDir: here('./dist/inspector'),
    emptyOutDir: true,
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    rolldownOptions: {
      input: here('./src/inspector/page/page.html'),
      // No getter of the page does anything but return a value.
      treeshake: { propertyReadSideEffects: false },
    },
    modulePreload: false,
    reportCompressedSize: false,
  },
  logLevel: 'warn',
});
