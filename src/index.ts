export type { Boot, RemoveOptions } from './boot/boot.ts';
export { createBoot } from './boot/create-boot.ts';
export { defineConfig } from './boot/options/boot-options.ts';
export type { BootConfig, BootOptions } from './boot/options/boot-options.ts';
export { createRecorder } from './record/create-recorder.ts';
export type { Recorded, RecorderOptions } from './record/create-recorder.ts';
export { gracefulShutdown } from './boot/graceful-shutdown.ts';
export type { GracefulShutdownOptions } from './boot/graceful-shutdown.ts';
export type { BootPlan } from './boot/idle/plan.ts';
export type { PendingFile, PlannedStatement, PluginPlan } from './boot/idle/plan-plugin.ts';
export type { Rehearsal } from './boot/idle/rehearse.ts';
export type { PlanOptions, RehearseOptions } from './boot/idle/rehearse-options.ts';
export type { TenantsPlan } from './boot/idle/plan-tenants.ts';
export { doctorChecks } from './boot/idle/doctor/check-table.ts';
export type { Check, CheckEvidence, CheckId, CheckStatus } from './boot/idle/doctor/check-table.ts';
export { examine } from './boot/idle/doctor/examine.ts';
export type { Examination, ExamineOptions } from './boot/idle/doctor/examine.ts';
export { readFleet } from './boot/idle/read-fleet.ts';
export type { FleetOptions } from './boot/idle/read-fleet.ts';
export { readHistory } from './boot/idle/read-history.ts';
export type { HistoryOptions, KeptBoot } from './boot/idle/read-history.ts';
export { createRepair } from './boot/idle/repair.ts';
export type {
  AcceptEditedOptions,
  BaselineOptions,
  ForgetOptions,
  HolderOptions,
  RelocateOptions,
  Repair,
  RepairOptions,
} from './boot/idle/repair.ts';
export type { Services } from './boot/around/service-registry.ts';
export type { BootState, LaunchState, WaitingStep } from './core/boot-state.ts';
export type { Clock } from './core/clock.ts';
export { coreServices } from './core/core-services.ts';
export type {
  AdvisoryLock,
  HeldLock,
  Lifecycle,
  OnceResult,
  RunOnceOptions,
} from './core/core-services.ts';
export type { Duration } from './core/duration.ts';
export { errorCodes } from './core/error-codes.ts';
export type {
  DatabaseFault,
  ErrorCode,
  MigrationPosition,
  Problem,
  Warning,
} from './core/error-codes.ts';
export type { ErrorRecord } from './core/error-record.ts';
export type {
  DatabasePlan,
  DatabaseReport,
  FleetEvent,
  FleetFinding,
  FleetPlan,
  FleetReport,
  FleetShard,
  PluginFile,
} from './core/fleet-report.ts';
export { BootError } from './core/errors.ts';
export { bootEventNames } from './core/event-meanings.ts';
export type {
  AppName,
  BootEvent,
  BootEventName,
  BootEventOf,
  BootEvents,
  DatabaseFacts,
  DatabasePlace,
  GraphEdge,
  PluginSource,
} from './core/events.ts';
export type { LockBlocker, LockHolder, Wait, WaitKind } from './core/waits.ts';
export { formatBootError } from './core/format-error.ts';
export type { Logger } from './core/logger.ts';
export type {
  InspectOptions,
  MachineActor,
  MachineEnded,
  MachineObserver,
  MachineRecord,
  MachineTransition,
} from './core/machine-records.ts';
export type {
  RunningStatement,
  RunningStep,
  SessionsBehind,
  StatementLook,
  StatementProgress,
} from './core/running-steps.ts';
export { sqlFiles } from './core/migration-source.ts';
export type {
  MigrationClient,
  MigrationContext,
  MigrationFunction,
  MigrationSource,
  HistoryTool,
  OneMigrationSource,
  SqlFiles,
  SqlFilesOptions,
  SqlFormat,
} from './core/migration-source.ts';
export { definePlugin } from './core/plugin.ts';
export type { InitContext, Plugin } from './core/plugin.ts';
export type {
  BootReport,
  ChainLink,
  LaunchReport,
  LockReport,
  PluginReport,
  RemovalReport,
  StepReport,
  TenantOutcome,
  TenantReport,
  TenantsReport,
} from './core/report.ts';
export { getPluginSchemaName } from './core/schema-name.ts';
export { collectionRef, provide, serviceRef } from './core/service.ts';
export type { CollectionRef, HostService, OptionalRef, ServiceRef } from './core/service.ts';
export type { MigrationOptions } from './core/settings.ts';
export type {
  BootOutcome,
  LaunchOutcome,
  Outcome,
  Phase,
  PhaseOutcome,
  RemovalOutcome,
  Step,
  StepState,
} from './core/steps.ts';
export type { PluginTenants, Tenant, Tenants, TenantsContext } from './core/tenants.ts';
export type { Work, WorkWrapper } from './core/work.ts';
export type {
  FleetBootOptions,
  MigrateFleetOptions,
  PlanFleetOptions,
} from './fleet/fleet-options.ts';
export { migrateFleet } from './fleet/migrate-fleet.ts';
export { planFleet } from './fleet/plan-fleet.ts';
export type { FleetTarget, FleetTargets } from './fleet/targets.ts';
export type { Fleet, FleetHost, FleetSession } from './postgres/doctor/fleet.ts';
export type {
  FileFacts,
  RehearsedLock,
  RehearsedRewrite,
  RehearsedRows,
} from './postgres/rehearse/file-meter.ts';
export type { LockMode } from './postgres/rehearse/lock-modes.ts';
export type {
  RehearsedFile,
  RehearsedFileOutcome,
  RehearsedPlugin,
} from './postgres/rehearse/rehearsed-plugin.ts';
export type { HolderReport } from './postgres/repair/lock-holder.ts';
export type { RepairChange, RepairLeft, RepairReport } from './postgres/repair/repair-report.ts';
export { createScopedPool } from './postgres/scoped/scoped-pool.ts';
export type { ScopedPoolOptions } from './postgres/scoped/scoped-pool.ts';
export type { EventSource, Listener } from './telemetry/bus.ts';
export { createLogListener } from './telemetry/log-listener.ts';
export { createFleetOutput } from './terminal/fleet-output.ts';
export { createLiveOutput } from './terminal/live-output.ts';
export type { LiveOutputOptions } from './terminal/live-output.ts';
export type { OutputStream } from './terminal/live-area.ts';
