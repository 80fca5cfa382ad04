import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import manifest from './package.json' with { type: 'json' };

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const entries = Object.values(manifest.exports).flatMap((each) =>
  typeof each === 'string' ? [] : [each.default],
);

/** The program of a process that `assertReplicasSafe()` starts. */
const replicaProgram = './dist/src/testing/replica-program.js';

/**
 * Builds the JavaScript of the package: a file for each entry of package.json, and a few for what entries share. Node.js opens
 * 20 files for an import in place of 240, which takes half the time.
 */
export default defineConfig({
  root: here('.'),
  build: {
    ssr: true,
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2023',
    // The code stays as readable as its source, so that no maps are needed: they would be half of the package.
    minify: false,
    rolldownOptions: {
      input: Object.fromEntries(
        [...entries, manifest.bin.slipway, replicaProgram].map((file) => {
          const name = file.replace(/^\.\/dist\/(.*)\.js$/, '$1');
          return [name, here(`./${name}.ts`)];
        }),
      ),
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: 'src/chunks/[name].js',
        minifyInternalExports: false,
        // The declarations have the docstrings.
        comments: { legal: false, annotation: true, jsdoc: false },
      },
    },
  },
  logLevel: 'warn',
});
