import {
  createTraceState,
  isSpanContextValid,
  trace,
  type Context,
  type SpanContext,
} from '@opentelemetry/api';

/** `00-<trace id>-<span id>-<flags>`. Later versions may add parts: https://www.w3.org/TR/trace-context/#traceparent-header */
const form = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Makes the span that `TRACEPARENT` names the parent, such as that of the deploy which runs this process. A span that is
 * active already stays the parent, and a text of another form is ignored.
 */
export function withRemoteParent(
  active: Context,
  { TRACEPARENT = '', TRACESTATE = '' }: NodeJS.ProcessEnv,
): Context {
  if (trace.getSpanContext(active)) return active;
  const [, version, traceId = '', spanId = '', flags = '', more] =
    form.exec(TRACEPARENT.trim()) ?? [];
  if (version === '00' && more !== undefined) return active;
  const parent: SpanContext = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
    ...(TRACESTATE.trim() !== '' && { traceState: createTraceState(TRACESTATE) }),
  };
  return isSpanContextValid(parent) ? trace.setSpanContext(active, parent) : active;
}
