import { steps, type Phase, type Step } from '../../core/steps.ts';
import type { ErrorRecord } from '../../core/error-record.ts';
import type { PhaseRecord } from '../boot-record.ts';
import type { PluginRecord } from '../plugin-record.ts';
import {
  describeError,
  describeFile,
  describeStep,
  describeWait,
  findStepError,
  type SpanAttributes,
} from '../span-attributes.ts';
import type { Story } from '../story.ts';
import { isWait, listBars, type Bar } from './bars.ts';
import { makeSpanId, makeTraceId } from './span-ids.ts';

/** The value of an attribute, as JSON of protobuf writes it: a 64-bit integer is a string. */
export type OtlpValue =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly boolValue: boolean }
  | { readonly arrayValue: { readonly values: readonly { readonly stringValue: string }[] } };

/** An attribute. */
export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

/** Something that happened in a span. */
export interface OtlpEvent {
  readonly timeUnixNano: string;
  readonly name: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly droppedAttributesCount: 0;
}

/** Another span that a span belongs to. */
export interface OtlpLink extends Pick<OtlpSpan, 'traceId' | 'spanId'> {
  readonly attributes: readonly [];
  readonly droppedAttributesCount: 0;
}

/** A span. `kind` 1 is internal; `status.code` 0 is unset, 2 is an error. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: 1;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly droppedAttributesCount: 0;
  readonly events: readonly OtlpEvent[];
  readonly droppedEventsCount: 0;
  /** Of a launch into a boot that was up: the span of that boot. */
  readonly links: readonly OtlpLink[];
  readonly droppedLinksCount: 0;
  readonly status: { readonly code: 0 | 2; readonly message?: string };
}

/** The request that a collector accepts: the spans of one boot. */
export interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly OtlpAttribute[];
      readonly droppedAttributesCount: 0;
    };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string; readonly version?: string };
      readonly spans: readonly OtlpSpan[];
    }[];
  }[];
}

/**
 * Writes the spans of a boot as OTLP/JSON, in one line, for a collector, Jaeger and others. What goes on ends now, with the
 * outcome `running`. The ids are derived from the boot, so that two exports of one story agree.
 */
export function writeOtlp(story: Story): string {
  return `${JSON.stringify(describeTraces(story))}\n`;
}

function describeTraces(story: Story): OtlpTraces {
  const { versions, host, pid, hostApp } = story.record.start ?? {};
  const resource = listAttributes({
    'service.name': hostApp?.name ?? 'slipway',
    'service.version': hostApp?.version,
    'host.name': host,
    'process.pid': pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': versions?.node,
  });
  const scope = { name: 'slipway', ...(versions && { version: versions.slipway }) };
  const spans = new BootSpans(story).list();
  return {
    resourceSpans: [
      {
        resource: { attributes: resource, droppedAttributesCount: 0 },
        scopeSpans: [{ scope, spans }],
      },
    ],
  };
}

/** Attributes without those that are unknown. A whole number is an integer. */
function listAttributes(values: SpanAttributes): readonly OtlpAttribute[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: writeValue(value) }],
  );
}

function writeValue(value: NonNullable<SpanAttributes[string]>): OtlpValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value !== 'number') {
    return { arrayValue: { values: value.map((each) => ({ stringValue: each })) } };
  }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** What a span is besides its ids and its times. */
interface SpanFacts {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly outcome: string;
  readonly error?: ErrorRecord | undefined;
  readonly attributes?: SpanAttributes;
  readonly events?: readonly OtlpEvent[];
}

const phaseOf: Readonly<Record<Step, Phase>> = {
  migrate: 'migrateAll',
  init: 'initAll',
  ready: 'initAll',
  stop: 'stopAll',
};

/** The spans of one boot, or of one launch: boot ⊃ phases ⊃ steps ⊃ attempts at files. */
class BootSpans {
  readonly #story: Story;
  /** What all ids are derived from: a launch has a trace of its own. */
  readonly #name: string;
  readonly #traceId: string;
  readonly #startNanos: bigint;

  constructor(story: Story) {
    this.#story = story;
    const { bootId, launch } = story;
    this.#name = launch === undefined ? bootId : `${bootId}/launch ${launch}`;
    this.#traceId = makeTraceId(this.#name);
    this.#startNanos = BigInt(Math.round(story.record.startedAt ?? 0)) * 1_000_000n;
  }

  list(): readonly OtlpSpan[] {
    const { record, endMs } = this.#story;
    const { finished } = record;
    const root = this.#span('boot', undefined, {
      name: record.launch === undefined ? 'slipway boot' : 'slipway launch',
      startMs: 0,
      endMs,
      outcome: finished?.outcome ?? 'running',
      error: finished?.error,
    });
    const phases = record.phases.map((phase) => this.#phase(phase));
    const plugins = record.plugins.flatMap((plugin) => this.#plugin(plugin));
    return [root, ...phases, ...this.#flush(), ...plugins];
  }

  /** The wait for the disk. One that has failed has no end of its own. */
  #flush(): readonly OtlpSpan[] {
    const { record, nowMs } = this.#story;
    const { flush, durableAtMs } = record;
    if (!flush) return [];
    const { outcome = 'running', endMs = nowMs } = record.findPhase('migrateAll') ?? {};
    return [
      this.#span('flush', 'migrateAll', {
        name: 'flush',
        startMs: flush.startMs,
        endMs: durableAtMs ?? endMs,
        outcome: durableAtMs === undefined ? outcome : 'done',
      }),
    ];
  }

  #phase({ phase, outcome, error, startMs, endMs = this.#story.nowMs }: PhaseRecord): OtlpSpan {
    return this.#span(phase, 'boot', { name: phase, startMs, endMs, outcome, error });
  }

  #plugin(plugin: PluginRecord): readonly OtlpSpan[] {
    const bars = listBars(this.#story.times, plugin);
    return steps.flatMap((step) => {
      const bar = bars.find((each) => each.kind === 'step' && each.step === step);
      if (!bar) return [];
      const path = `${step} ${plugin.id}`;
      const files = bar.parts.filter(({ kind }) => kind === 'file');
      return [
        this.#step(plugin, bar, path),
        ...files.map((file, at) => this.#file(plugin, file, path, at)),
      ];
    });
  }

  #step(plugin: PluginRecord, bar: Bar, path: string): OtlpSpan {
    const { step, startMs, endMs, parts, outcome = 'running' } = bar;
    const parent = phaseOf[step];
    const isKnown = this.#story.record.findPhase(parent) !== undefined;
    return this.#span(path, isKnown ? parent : 'boot', {
      name: path,
      startMs,
      endMs,
      outcome,
      error: findStepError(plugin.steps[step]),
      attributes: describeStep(this.#story.times, plugin, step),
      events: parts.filter(isWait).map((wait) => this.#wait(wait)),
    });
  }

  #wait(bar: Bar): OtlpEvent {
    return {
      timeUnixNano: this.#nanos(bar.startMs),
      name: 'slipway.wait',
      attributes: listAttributes(describeWait(bar)),
      droppedAttributesCount: 0,
    };
  }

  #file(plugin: PluginRecord, bar: Bar, parent: string, at: number): OtlpSpan {
    const { name, startMs, endMs, outcome = 'running', facts } = bar;
    const { error } = plugin.steps.migrate;
    return this.#span(`${parent} file ${at}`, parent, {
      name: 'migrate.file',
      startMs,
      endMs,
      outcome,
      error: outcome === 'failed' ? error : undefined,
      attributes: describeFile(this.#story.record, plugin, {
        file: name,
        transaction: facts['transaction'] === true,
      }),
    });
  }

  #span(path: string, parent: string | undefined, facts: SpanFacts): OtlpSpan {
    const { bootId, launch } = this.#story;
    const { name, startMs, endMs, outcome, error, attributes, events = [] } = facts;
    return {
      traceId: this.#traceId,
      spanId: makeSpanId(this.#name, path),
      ...(parent !== undefined && { parentSpanId: makeSpanId(this.#name, parent) }),
      name,
      kind: 1,
      startTimeUnixNano: this.#nanos(startMs),
      endTimeUnixNano: this.#nanos(Math.max(startMs, endMs)),
      attributes: listAttributes({
        'slipway.boot.id': bootId,
        'slipway.launch': launch,
        'slipway.outcome': outcome,
        ...attributes,
        ...(error && describeError(error)),
      }),
      droppedAttributesCount: 0,
      events,
      droppedEventsCount: 0,
      links: parent === undefined && launch !== undefined ? [linkBoot(bootId)] : [],
      droppedLinksCount: 0,
      status: error ? { code: 2, message: error.message } : { code: 0 },
    };
  }

  /** Nanoseconds since 1970 are beyond what a number holds exactly. */
  #nanos(ms: number): string {
    return String(this.#startNanos + BigInt(Math.round(ms * 1_000_000)));
  }
}

function linkBoot(bootId: string): OtlpLink {
  const [traceId, spanId] = [makeTraceId(bootId), makeSpanId(bootId, 'boot')];
  return { traceId, spanId, attributes: [], droppedAttributesCount: 0 };
}
