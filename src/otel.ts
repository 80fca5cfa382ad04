export { traceBoot } from './otel/trace-boot.ts';
export type { TraceBootOptions, TracedBoot } from './otel/trace-boot.ts';
