import { coreServices, createBackendPlugin } from 'slipway/checkstack';
import { channelPoint, ticketsRef, type TicketChannel } from './contracts.ts';
import * as schema from './schema.ts';

export const tickets = createBackendPlugin({
  metadata: { pluginId: 'tickets' },
  register(env) {
    const channels: TicketChannel[] = [];
    env.registerExtensionPoint(channelPoint, {
      addChannel: (channel) => void channels.push(channel),
    });

    env.registerInit({
      schema,
      migrations: new URL('./drizzle', import.meta.url), // a discovered package needs no such line
      provides: [ticketsRef], // init registers it, and dependents are ordered by it
      deps: { logger: coreServices.logger, locks: coreServices.advisoryLock },
      init: async ({ database, logger, locks }) => {
        logger.info({ channels: channels.length }, 'tickets is up'); // the list is complete
        env.registerService(ticketsRef, {
          open: (title) =>
            locks.withLock(`tickets.open:${title}`, async () => {
              const known = await database.query.tickets.findFirst({
                where: (ticket, { eq }) => eq(ticket.title, title),
              });
              if (known) return known.id;
              const [ticket] = await database.insert(schema.tickets).values({ title }).returning();
              for (const channel of channels) await channel.announce(title);
              return ticket?.id ?? 0;
            }),
        });
        env.registerCleanup(() => logger.info('tickets is closed')); // at shutdown
      },
    });
  },
});
