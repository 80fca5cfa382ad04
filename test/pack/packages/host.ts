/** A host that hands on what a boot and a repair say of themselves, with no type written that the compiler can infer. */
import {
  bootEventNames,
  createBoot,
  createLiveOutput,
  createLogListener,
  createRepair,
  errorCodes,
  formatBootError,
  getPluginSchemaName,
  gracefulShutdown,
} from 'slipway';
import type {
  Boot,
  BootError,
  BootEventName,
  BootEventOf,
  Logger,
  MachineRecord,
  Repair,
} from 'slipway';
import { closeServer, gate, nodeFront, nodeListener, probes } from 'slipway/http';
import { startPostgres } from 'slipway/testing';

export const boot = createBoot({ pool: 'postgres://127.0.0.1/shop' });
export const repair = createRepair({ pool: 'postgres://127.0.0.1/shop' });
export const { services } = boot;
export const begin = async (one: Boot) => one.start();
export const unsubscribe = boot.beforeStop(() => {});
export const leave = boot.inspect((record) => record.ref);
export const actionsOf = (record: MachineRecord) =>
  record.type === 'machine.transition' ? record.actions : [];

export const report = boot.report();
export const { phases, plugins, warnings, problems, database, criticalPath, error } = report;
export const [plugin] = plugins;
export const migrateStep = plugin?.migrate;
export const state = boot.state();
export const { running, plugins: stepStates } = state;
export const plan = async (one: Boot) => one.plan();
export const planned = async (one: Boot) => (await one.plan()).plugins[0];
export const pending = async (one: Boot) => (await one.plan()).plugins[0]?.pending[0];
export const statement = async (one: Boot) => (await pending(one))?.statements[0];
export const edges = async (one: Boot) => (await one.plan()).edges;
export const disabled = async (one: Boot) => (await one.plan()).disabled;

export const moved = async (one: Repair) => one.relocate('shop', { dryRun: true });
export const change = async (one: Repair) => (await moved(one)).changes[0];
export const left = async (one: Repair) => (await moved(one)).left[0];
export const holder = async (one: Repair) => (await one.holder('shop')).holder;

export const sameEvent = <Name extends BootEventName>(event: BootEventOf<Name>) => event;
export const planOf = ({ pending: files, applied }: BootEventOf<'plugin.migrate.planned'>) => ({
  files,
  applied,
});
export const waitsFor = (event: BootEventOf<'plugin.migrate.waiting'>) => event.holder;
export const blockedBy = (event: BootEventOf<'plugin.migrate.retrying'>) => event.blockers;
export const sourceOf = (event: BootEventOf<'plugin.discovered'>) => event.source;
export const stillRunning = (event: BootEventOf<'boot.progress'>) => event.running;
export const serverOf = (event: BootEventOf<'survey.finished'>) => event.server;

export const describe = ({ code, position, database: fault, problems: all }: BootError) => ({
  ...errorCodes[code],
  position,
  fault,
  all,
});
export const names = bootEventNames;
export const format = formatBootError;
export const schemaOf = getPluginSchemaName;
export const log = (logger: Logger) => createLogListener(logger);
export const live = createLiveOutput();
export const end = gracefulShutdown(boot);

export const front = [probes(boot), gate(boot)];
export const isAnswered = nodeFront(front);
export const listener = nodeListener(front, () => {});
export const close = closeServer;
export const postgres = async () => startPostgres();
