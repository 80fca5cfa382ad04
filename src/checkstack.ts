export {
  createBackendPlugin,
  createExtensionPoint,
} from './boot/discover/checkstack-form/backend-plugin.ts';
export type {
  BackendDeps,
  BackendInit,
  BackendPlugin,
  BackendPluginRegistry,
  Contribution,
  ExtensionPoint,
  PluginMetadata,
} from './boot/discover/checkstack-form/backend-plugin.ts';
export { coreServices } from './core/core-services.ts';
export type { AdvisoryLock, Lifecycle, OnceResult, RunOnceOptions } from './core/core-services.ts';
export type { Logger } from './core/logger.ts';
export type { Plugin } from './core/plugin.ts';
export { getPluginSchemaName } from './core/schema-name.ts';
export { serviceRef as createServiceRef } from './core/service.ts';
export type { CollectionRef, OptionalRef, ServiceRef } from './core/service.ts';
export { runPluginMigrations } from './postgres/run-plugin-migrations.ts';
export type {
  DrizzleMigrationConfig,
  RunPluginMigrationsOptions,
} from './postgres/run-plugin-migrations.ts';
export { createScopedDb } from './postgres/scoped/scoped-database.ts';
export type { SafeDatabase, ScopedDbOptions } from './postgres/scoped/scoped-database.ts';
