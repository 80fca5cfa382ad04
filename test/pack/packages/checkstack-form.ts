/** A plugin package in Checkstack's form, which imports nothing but `slipway/checkstack`. */
import {
  coreServices,
  createBackendPlugin,
  createExtensionPoint,
  createServiceRef,
  getPluginSchemaName,
} from 'slipway/checkstack';

export interface Tickets {
  open(title: string): Promise<number>;
}
export interface ChannelPoint {
  addChannel(name: string): void;
}

export const ticketsRef = createServiceRef<Tickets>('tickets.api');
export const maybeTickets = ticketsRef.optional();
export const channelPoint = createExtensionPoint<ChannelPoint>('tickets.channels');
export const schemaName = getPluginSchemaName('tickets');
export const { logger, advisoryLock, lifecycle } = coreServices;

export const tickets = createBackendPlugin({
  metadata: { pluginId: 'tickets', previousPluginIds: ['issues'] },
  register(env) {
    env.registerExtensionPoint(channelPoint, { addChannel: () => {} });
    env.registerInit({
      deps: { logger: coreServices.logger, locks: coreServices.advisoryLock },
      provides: [ticketsRef],
      init: ({ logger: log, locks }) => {
        env.registerService(ticketsRef, {
          open: (title) => locks.withLock(title, () => 1),
        });
        log.info('tickets is up');
      },
    });
  },
});

// oxlint-disable-next-line import/no-default-export -- discovery takes the default export of a package
export default tickets;
