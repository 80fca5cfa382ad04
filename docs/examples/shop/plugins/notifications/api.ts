import { collectionRef, serviceRef } from 'slipway';

export interface Message {
  /** An e-mail address. */
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
}

export interface NotificationsApi {
  /** Queues the message; it goes out on every channel, and is tried again when one fails. */
  notify(message: Message): Promise<void>;
}

export interface NotificationChannel {
  readonly name: string;
  /** Throws when the message did not go out. The same id may come again: send it once. */
  send(message: Message & { readonly id: string }): Promise<void>;
}

export const notificationsApi = serviceRef<NotificationsApi>('notifications.api');

/** Every plugin that can carry a message adds a channel. */
export const notificationChannels = collectionRef<NotificationChannel>('notification.channels');
