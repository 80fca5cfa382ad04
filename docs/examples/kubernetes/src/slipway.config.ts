import { defineConfig } from 'slipway';
import { describeBackend } from './backend.ts';

/** For the commands of the Job and of the init container: `slipway migrate --config dist/slipway.config.js`. */
export default defineConfig(describeBackend);
