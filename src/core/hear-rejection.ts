import { isInstance, readProperty } from './foreign-value.ts';

/**
 * Listens to promises without another reader: when a listener or a logger returns a promise, `hear` gets what it rejects with, which
 * would end the process otherwise.
 */
export function hearRejection(returned: unknown, hear: (thrown: unknown) => void): void {
  if (!isInstance(returned, Promise) && typeof readProperty(returned, 'then') !== 'function')
    return;
  void (async () => {
    try {
      await returned;
    } catch (thrown) {
      hear(thrown);
    }
  })();
}
