import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { SlowFirst } from './test/support/slow-first.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^slipway$/, replacement: here('./src/index.ts') },
      { find: /^slipway\/checkstack$/, replacement: here('./src/checkstack.ts') },
      { find: /^slipway\/http$/, replacement: here('./src/http/index.ts') },
      { find: /^slipway\/insight$/, replacement: here('./src/insight.ts') },
      { find: /^slipway\/inspector$/, replacement: here('./src/inspector.ts') },
      { find: /^slipway\/machines$/, replacement: here('./machines/index.ts') },
      { find: /^slipway\/otel$/, replacement: here('./src/otel.ts') },
      { find: /^slipway\/testing$/, replacement: here('./src/testing/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'docs/examples/**/*.test.ts'],
    // Its suite is one of node:test, and other runners run those of test/testing/runners.
    exclude: [
      ...configDefaults.exclude,
      'docs/examples/getting-started/**',
      'docs/examples/testing/**',
      'docs/examples/testing-replicas/**',
      'test/testing/runners/**',
    ],
    // One more than the cores of a small machine: tests wait for PostgreSQL and for processes most of the time.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A busy machine is no failure: what never happens still fails.
    expect: { poll: { timeout: 20_000 } },
    globalSetup: ['test/support/cluster.ts'],
    setupFiles: ['test/support/no-warnings.ts'],
  },
});
