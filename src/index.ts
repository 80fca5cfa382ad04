export { createBoot } from './boot/boot.ts';
export type { Boot } from './boot/boot.ts';
export type { BootOptions } from './boot/boot-options.ts';
export type { RegistryOptions } from './boot/registry-options.ts';
export type { Drain } from './boot/drains.ts';
export { gracefulShutdown } from './boot/graceful-shutdown.ts';
export type { GracefulShutdownOptions } from './boot/graceful-shutdown.ts';
export type { HostOptions } from './boot/host-plugin.ts';
export type { BootState, CurrentStep } from './core/boot-state.ts';
export type { DiscoverOptions } from './boot/discover/discover-options.ts';
export type { BootPlan, PendingFile, PlannedStatement, PluginPlan } from './boot/plan.ts';
export { createRepair } from './boot/repair.ts';
export type { Repair } from './boot/repair.ts';
export type {
  AcceptEditedOptions,
  BaselineOptions,
  HolderOptions,
  RelocateOptions,
  RepairOptions,
} from './boot/repair-input.ts';
export type { Services } from './boot/service-registry.ts';
export type { StepState } from './core/boot-record.ts';
export type { Clock } from './core/clock.ts';
export {
  createBackendPlugin,
  createExtensionPoint,
} from './boot/checkstack-form/backend-plugin.ts';
export type {
  BackendDeps,
  BackendInit,
  BackendPlugin,
  BackendPluginRegistry,
  Contribution,
  ExtensionPoint,
  PluginMetadata,
} from './boot/checkstack-form/backend-plugin.ts';
export { coreServices } from './core/core-services.ts';
export type {
  AdvisoryLock,
  HeldLock,
  Lifecycle,
  LockOptions,
  StopHandler,
} from './core/core-services.ts';
export type { Duration } from './core/duration.ts';
export { errorCodes } from './core/error-codes.ts';
export type { DatabaseFault, ErrorCode, MigrationPosition, Problem } from './core/error-codes.ts';
export type { ErrorRecord } from './core/error-record.ts';
export { BootError } from './core/errors.ts';
export { bootEventNames } from './core/events.ts';
export type {
  BootEvent,
  BootEventName,
  BootEventOf,
  BootEvents,
  DatabaseFacts,
  EventStamp,
  GraphEdge,
  LockBlocker,
  LockHolder,
  PluginSource,
  RunningStep,
  StepFinished,
} from './core/events.ts';
export { formatBootError } from './core/format-error.ts';
export type { Logger } from './core/logger.ts';
export { sqlFiles } from './core/migration-source.ts';
export type {
  MigrationClient,
  MigrationContext,
  MigrationFunction,
  MigrationSource,
  SqlFiles,
} from './core/migration-source.ts';
export { definePlugin } from './core/plugin.ts';
export type { OwnContext, Plugin, PluginRetry, PluginTimeouts } from './core/plugin.ts';
export type { RepairName } from './core/repair-call.ts';
export type {
  BootReport,
  CriticalStep,
  PhaseReport,
  PluginReport,
  StepReport,
} from './core/report.ts';
export { getPluginSchemaName } from './core/schema-name.ts';
export {
  collectionRef,
  provide,
  serviceRef,
  serviceRef as createServiceRef,
} from './core/service.ts';
export type { CollectionRef, HostService, OptionalRef, ServiceRef } from './core/service.ts';
export type {
  ConnectOptions,
  InitOptions,
  MigrationOptions,
  SettingsOptions,
  StopOptions,
} from './core/settings.ts';
export type { BootOutcome, Outcome, Phase, PhaseOutcome, Step } from './core/steps.ts';
export type { PlacedStatement } from './postgres/migrate/migration-script.ts';
export type { HolderReport, LockHolderFacts } from './postgres/repair/lock-holder.ts';
export type {
  RepairChange,
  RepairDecision,
  RepairLeft,
  RepairPart,
  RepairReport,
} from './postgres/repair/repair-report.ts';
export { runPluginMigrations } from './postgres/run-plugin-migrations.ts';
export type {
  DrizzleMigrationConfig,
  RunPluginMigrationsOptions,
} from './postgres/run-plugin-migrations.ts';
export { createScopedDb } from './postgres/scoped/scoped-database.ts';
export type { SafeDatabase, ScopedDbOptions } from './postgres/scoped/scoped-database.ts';
export { createScopedPool } from './postgres/scoped/scoped-pool.ts';
export type { ScopedPoolOptions } from './postgres/scoped/scoped-pool.ts';
export type { StatementEffect } from './postgres/sql/statement-effects.ts';
export type { MovableKind } from './postgres/survey/public-objects.ts';
export type { EventSource, Listener, Unsubscribe } from './telemetry/bus.ts';
export { createLogListener } from './telemetry/log-listener.ts';
export { createLiveOutput } from './telemetry/live-output.ts';
export type { LiveOutputOptions } from './telemetry/live-output.ts';
export type { OutputStream } from './telemetry/live-area.ts';
