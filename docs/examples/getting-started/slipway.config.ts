export { backend as default } from './src/backend.ts';
