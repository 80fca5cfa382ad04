export { definePlugin } from './core/plugin.ts';
export type { Plugin } from './core/plugin.ts';
export { collectionRef, provide, serviceRef } from './core/service.ts';
export { coreServices } from './core/core-services.ts';
export type { Logger } from './core/logger.ts';
