import { createExtensionPoint, createServiceRef } from 'slipway/checkstack';

export interface Tickets {
  open(title: string): Promise<number>;
}

/** The plugin `tickets` provides it. */
export const ticketsRef = createServiceRef<Tickets>('tickets.api');

export interface TicketChannel {
  readonly name: string;
  announce(title: string): Promise<void>;
}

export interface ChannelPoint {
  addChannel(channel: TicketChannel): void;
}

/** The plugin `tickets` owns it, and any plugin may add a channel. */
export const channelPoint = createExtensionPoint<ChannelPoint>('tickets.channels');
