import { isInstance, readProperty } from './foreign-value.ts';

/**
 * Handles the rejection of a promise that a listener or a logger returned: `hear` gets its reason. Unhandled, it would end
 * the process.
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
