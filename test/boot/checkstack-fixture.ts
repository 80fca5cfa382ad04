import {
  createBackendPlugin,
  createExtensionPoint,
  createServiceRef,
} from '../../src/checkstack.ts';
import type { Logger, Plugin } from '../../src/index.ts';
import type { BackendPlugin, BackendPluginRegistry } from '../../src/checkstack.ts';

export interface Channel {
  readonly id: string;
  readonly deliver: (text: string) => void;
}
export interface ChannelPoint {
  readonly addChannel: (channel: Channel, pluginId: string) => number;
}
export interface Notifications {
  send(text: string): Promise<void>;
}
export interface Incidents {
  open(title: string): Promise<number>;
}

export const channelPoint = createExtensionPoint<ChannelPoint>('notifications.channels');
export const notificationsRef = createServiceRef<Notifications>('notifications.api');
export const incidentsRef = createServiceRef<Incidents>('incidents.api');
export const auditRef = createServiceRef<(what: string) => void>('audit.log');

/** A plugin in Checkstack's form. */
export function backendPlugin(
  pluginId: string,
  register: (env: BackendPluginRegistry) => void,
  more: Partial<BackendPlugin> = {},
): Plugin {
  return createBackendPlugin({ metadata: { pluginId }, register, ...more });
}

/** A logger that keeps its warnings, each behind the plugin it is about. */
export function keepWarnings(): { readonly logger: Logger; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const nothing = (): void => {};
  const warn = (fields: object | string, message?: string): void => {
    const plugin = typeof fields === 'string' ? '' : String(Reflect.get(fields, 'plugin'));
    warnings.push(`${plugin}: ${message}`);
  };
  return { logger: { debug: nothing, info: nothing, warn, error: nothing }, warnings };
}
