import { createBoot, sqlFiles, type BootOptions } from 'slipway';

export const options = {
  host: { migrations: sqlFiles(new URL('./dbmate', import.meta.url), { format: 'dbmate' }) },
  plugins: [],
} satisfies Partial<BootOptions>;

export const createBackend = (pool: BootOptions['pool']) => createBoot({ ...options, pool });
