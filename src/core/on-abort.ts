/**
 * Calls `listener` once `signal` is aborted, at once if it already is.
 *
 * @returns A function that removes the listener. The `signal` option of `addEventListener` cannot do that reliably. When one
 *   target has several listeners with it, Node.js keeps only the last one's removal alive, and the other listeners stay once
 *   the garbage collector has run (`kWeakHandler` in its lib/internal/event_target.js).
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
