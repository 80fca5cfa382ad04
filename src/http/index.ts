export { closeServer } from './close-server.ts';
export { httpCodes } from './front-handler.ts';
export type { FrontHandler, HttpCode, RequestHead } from './front-handler.ts';
export { gate } from './gate.ts';
export type { GateOptions, PluginOf } from './gate.ts';
export { nodeFront, nodeListener } from './node-listener.ts';
export { probes } from './probes.ts';
export type { ProbeOptions } from './probes.ts';
export type { Observed, PluginStanding } from './standing.ts';
