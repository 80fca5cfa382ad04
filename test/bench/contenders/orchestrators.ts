import { createRequire } from 'node:module';
import { join } from 'node:path';
import { numbers } from '../shapes.ts';
import { idOf, type Contender } from './order.ts';
import { generatePlugins } from './plugins.ts';

/** Each of them boots plugins that do nothing, without a database. */
export const orchestrators = {
  /** With the dependencies of the plugins, and a pool that never connects. */
  slipway: async () => {
    const [{ createBoot, serviceRef }, { Pool }] = await Promise.all([
      import('slipway'),
      import('pg'),
    ]);
    return async ({ plugins }) => {
      const boot = createBoot({
        pool: new Pool(),
        plugins: generatePlugins(serviceRef, plugins, 'layers'),
      });
      const { outcome } = await boot.start();
      if (outcome !== 'ready') throw new Error(`The boot is ${outcome}`);
      return () => boot.stop();
    };
  },

  /** In their order, as avvio has no dependencies by name. */
  avvio: async () => {
    const { default: avvio } = await import('avvio');
    return async ({ plugins }) => {
      const app = avvio({}, { autostart: false });
      for (const _ of numbers(plugins)) app.use(async () => undefined);
      await app.ready();
      return () => new Promise<void>((resolve) => app.close(() => resolve()));
    };
  },

  /** With none of its own services, and without dependencies: its plugins have none on each other. */
  backstage: async ({ installedIn = '' }) => {
    const require = createRequire(join(installedIn, 'package.json'));
    const { createSpecializedBackend } = require('@backstage/backend-app-api') as BackendAppApi;
    const { coreServices, createBackendPlugin, createServiceFactory } =
      require('@backstage/backend-plugin-api') as BackendPluginApi;
    return async ({ plugins }) => {
      const lifecycle = {
        startup: doNothing,
        beforeShutdown: doNothing,
        shutdown: doNothing,
      };
      const services = [coreServices.rootLifecycle, coreServices.lifecycle].map((service) =>
        createServiceFactory({ service, deps: {}, factory: () => lifecycle }),
      );
      const backend = createSpecializedBackend({ defaultServiceFactories: services });
      for (const plugin of numbers(plugins)) {
        backend.add(
          createBackendPlugin({
            pluginId: idOf(plugin),
            register: ({ registerInit }) => registerInit({ deps: {}, init: doNothing }),
          }),
        );
      }
      await backend.start();
      return () => backend.stop();
    };
  },

  /** The limit: an await for each. */
  loop: async () => {
    return async ({ plugins }) => {
      const inits = numbers(plugins).map(() => doNothing);
      for (const init of inits) await init();
      return () => undefined;
    };
  },
} satisfies Readonly<Record<string, Contender>>;

export type OrchestratorName = keyof typeof orchestrators;

async function doNothing(): Promise<void> {}

/** What is used of Backstage's packages. They are no dependencies of this repository, so their types are not there. */
interface BackendAppApi {
  readonly createSpecializedBackend: (options: { defaultServiceFactories: readonly unknown[] }) => {
    add(feature: unknown): void;
    start(): Promise<unknown>;
    stop(): Promise<void>;
  };
}

interface BackendPluginApi {
  readonly coreServices: Readonly<Record<'rootLifecycle' | 'lifecycle', unknown>>;
  readonly createServiceFactory: (options: {
    service: unknown;
    deps: object;
    factory: () => unknown;
  }) => unknown;
  readonly createBackendPlugin: (options: {
    pluginId: string;
    register: (env: {
      readonly registerInit: (options: { deps: object; init: () => Promise<void> }) => void;
    }) => void;
  }) => unknown;
}
