import { fileURLToPath } from 'node:url';

export default {
  root: fileURLToPath(new URL('.', import.meta.url)),
  test: { include: ['kit.vitest.mjs'], testTimeout: 60_000 },
};
