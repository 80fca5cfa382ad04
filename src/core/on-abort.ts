/**
 * Calls `listener` once `signal` is aborted, at once if it already is.
 *
 * @returns what takes the listener off again. The `signal` option of `addEventListener` is no way to do that: of all the
 *   listeners that one target has with it, Node.js keeps what takes them off alive for the last one only, and the others stay
 *   once the garbage collector has run (`kWeakHandler` in its lib/internal/event_target.js).
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
