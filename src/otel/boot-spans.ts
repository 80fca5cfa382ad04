import {
  context,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api';
import { errorCodes } from '../core/error-codes.ts';
import { toErrorRecord, type ErrorRecord } from '../core/error-record.ts';
import type { BootEvent, BootEventOf } from '../core/events.ts';
import { stepIn, type Phase, type Step } from '../core/steps.ts';
import { nameTenant } from '../core/tenants.ts';
import type { Work } from '../core/work.ts';
import type { BootRecord } from '../insight/boot-record.ts';
import { drawStep, isWait } from '../insight/exports/bars.ts';
import {
  describeError,
  describeFile,
  describeStep,
  describeWait,
  findStepError,
  type SpanAttributes,
} from '../insight/span-attributes.ts';
import type { StepTimes } from '../insight/step-times.ts';
import { withRemoteParent } from './remote-parent.ts';

const phaseOf: Readonly<Record<Step, Phase>> = {
  migrate: 'migrateAll',
  init: 'initAll',
  ready: 'initAll',
  stop: 'stopAll',
};

/** The end of a span. */
interface SpanEnd {
  readonly outcome: string;
  readonly error?: ErrorRecord | undefined;
  readonly attributes?: SpanAttributes;
}

/**
 * Makes the spans of one boot, or of one launch into it: boot ⊃ phases ⊃ steps ⊃ attempts at files. A launch has a trace of its
 * own, as a boot has, with a link to the span of the boot.
 */
export class BootSpans {
  readonly #record: BootRecord;
  readonly #getTracer: () => Tracer;
  /** The spans of the boot, for those of a launch. */
  readonly #host: BootSpans | undefined;
  #tracer: Tracer | undefined;
  #boot: Span | undefined;
  #hasFinished = false;
  readonly #phases = new Map<Phase, Span>();
  #flush: Span | undefined;
  #removal: Span | undefined;
  /** By step and plugin: `init catalog`. */
  readonly #steps = new Map<string, Span>();
  /** The attempts at files that go on, by plugin. */
  readonly #files = new Map<string, Span>();

  /**
   * @param record Has each event before it is added here.
   * @param host The spans of the boot that a launch goes into.
   */
  constructor(record: BootRecord, getTracer: () => Tracer, host?: BootSpans) {
    this.#record = record;
    this.#getTracer = getTracer;
    this.#host = host;
  }

  /** @param times The times of the steps at this event. */
  add(event: BootEvent, times: StepTimes): void {
    switch (event.type) {
      case 'boot.started':
        this.#boot = this.#startRoot();
        break;
      case 'boot.finished':
        this.#hasFinished = true;
        this.#end(this.#boot, readEnd(event));
        break;
      case 'removal.started':
        this.#startRemoval(event);
        break;
      case 'removal.finished':
        this.#end(this.#removal, readEnd(event));
        this.#removal = undefined;
        break;
      case 'boot.stopped':
        this.endAll('canceled');
        break;
      case 'phase.started':
        this.#phases.set(event.phase, this.#startPhase(event.phase));
        break;
      case 'migrations.flushing':
        this.#flush = this.#start('flush', this.#inside(this.#phases.get('migrateAll')));
        break;
      case 'migrations.durable':
        this.#endFlush('done');
        break;
      case 'phase.finished':
        // A flush that has failed has no end of its own.
        this.#endFlush(event.outcome);
        this.#end(this.#phases.get(event.phase), readEnd(event));
        this.#phases.delete(event.phase);
        break;
      case 'plugin.migrate.connecting':
      case 'plugin.init.started':
      case 'plugin.ready.started':
      case 'plugin.stop.started':
        this.#startStep(stepIn(event.type), event.plugin);
        break;
      case 'plugin.migrate.applying':
        this.#startFile(event);
        break;
      case 'plugin.migrate.applied':
        this.#endFile(nameWork(event), { outcome: 'applied' });
        break;
      case 'plugin.migrate.retrying':
        this.#endFile(nameWork(event), { outcome: 'rolledBack' });
        break;
      case 'plugin.migrate.settled': {
        const error = readFailure(event);
        this.#endFile(nameWork(event), { outcome: error ? 'failed' : 'canceled', error });
        break;
      }
      case 'plugin.migrate.finished':
      case 'plugin.init.finished':
      case 'plugin.ready.finished':
      case 'plugin.stop.finished':
        this.#finishStep(stepIn(event.type), event, times);
        break;
      default:
    }
  }

  /** Finds the span of a piece of work; `undefined` when it belongs to none of these spans. */
  findSpan(work: Work): Span | undefined {
    return this.#find(work) ?? (this.#hasFinished ? undefined : this.#boot);
  }

  /** Ends every span that is open, for an exporter never sees one that has not ended. The boot's own ends with the boot. */
  endAll(outcome: string): void {
    this.#endFlush(outcome);
    this.#end(this.#removal, { outcome });
    this.#removal = undefined;
    for (const spans of [this.#files, this.#steps, this.#phases]) {
      for (const span of spans.values()) this.#end(span, { outcome });
      spans.clear();
    }
  }

  /** Ends the span of a boot that is no longer followed. */
  leave(): void {
    this.endAll('running');
    if (!this.#hasFinished) this.#end(this.#boot, { outcome: 'running' });
    this.#hasFinished = true;
  }

  #find(work: Work): Span | undefined {
    if ('phase' in work) return this.#phases.get(work.phase);
    const { step, plugin, file } = work;
    const ofFile = file === undefined ? undefined : this.#files.get(nameWork(work));
    return ofFile ?? this.#steps.get(`${step} ${plugin}`) ?? this.#phases.get(phaseOf[step]);
  }

  #startRoot(): Span {
    const active = context.active();
    return this.#host
      ? this.#start('slipway launch', active, { links: this.#host.#link() })
      : this.#start('slipway boot', withRemoteParent(active, process.env));
  }

  /**
   * A stop may come weeks after the launch, when its trace is closed everywhere. It is a trace of its own, with a link to the
   * boot.
   */
  #startPhase(phase: Phase): Span {
    if (!this.#hasFinished) return this.#start(phase, this.#inside(this.#boot));
    return this.#start(phase, ROOT_CONTEXT, { root: true, links: this.#link() });
  }

  #startRemoval({ plugin }: BootEventOf<'removal.started'>): void {
    this.#removal = this.#start('slipway removal', context.active(), { links: this.#link() });
    set(this.#removal, { 'slipway.plugin.id': plugin });
  }

  #link(): Link[] {
    return this.#boot ? [{ context: this.#boot.spanContext() }] : [];
  }

  /** The span in which steps run. A plugin of a launch also stops with the boot, or in a removal. */
  #findParent(step: Step): Span | undefined {
    const own = this.#phases.get(phaseOf[step]);
    if (own || step !== 'stop') return own;
    return this.#removal ?? (this.#host ? this.#host.#findParent(step) : undefined);
  }

  #startStep(step: Step, plugin: string): void {
    const name = `${step} ${plugin}`;
    this.#steps.set(name, this.#start(name, this.#inside(this.#findParent(step))));
  }

  #startFile(event: BootEventOf<'plugin.migrate.applying'>): void {
    const { plugin, file, tenant, transaction } = event;
    const who = nameWork(event);
    this.#endFile(who, { outcome: 'canceled' });
    const parent = this.#steps.get(`migrate ${plugin}`);
    const span = this.#start('migrate.file', this.#inside(parent));
    const record = this.#record.find(plugin);
    if (record) set(span, describeFile(this.#record, record, { file, transaction }));
    if (tenant !== undefined) set(span, { 'slipway.tenant': tenant });
    this.#files.set(who, span);
  }

  #endFile(who: string, end: SpanEnd): void {
    this.#end(this.#files.get(who), end);
    this.#files.delete(who);
  }

  /** A step that never ran has a span without a length when that is because of a failure. */
  #finishStep(step: Step, event: BootEventOf<`plugin.${Step}.finished`>, times: StepTimes): void {
    const { plugin: id, outcome, because } = event;
    const plugin = this.#record.find(id);
    if (!plugin) return;
    const error = readFailure(event);
    if (step === 'migrate') this.#endFile(id, { outcome: error ? 'failed' : 'canceled', error });
    const name = `${step} ${id}`;
    const failure = findStepError({ outcome, error, because });
    if (!this.#steps.has(name) && !failure) return;
    if (!this.#steps.has(name)) this.#startStep(step, id);
    const span = this.#steps.get(name);
    this.#steps.delete(name);
    const bar = drawStep(times, plugin, step).find(({ kind }) => kind === 'step');
    for (const wait of bar?.parts.filter(isWait) ?? []) {
      span?.addEvent('slipway.wait', toAttributes(describeWait(wait)), this.#at(wait.startMs));
    }
    this.#end(span, { outcome, error: failure, attributes: describeStep(times, plugin, step) });
  }

  #endFlush(outcome: string): void {
    this.#end(this.#flush, { outcome });
    this.#flush = undefined;
  }

  #inside(parent: Span | undefined): Context {
    const span = parent ?? this.#boot;
    return span ? trace.setSpan(ROOT_CONTEXT, span) : ROOT_CONTEXT;
  }

  #start(name: string, parent: Context, options: SpanOptions = {}): Span {
    const tracer = (this.#tracer ??= this.#getTracer());
    const { bootId, launch } = this.#record;
    const attributes = {
      'slipway.boot.id': bootId,
      ...(launch !== undefined && { 'slipway.launch': launch }),
    };
    const startTime = this.#at(this.#record.elapsedMs);
    return tracer.startSpan(name, { ...options, attributes, startTime }, parent);
  }

  #end(span: Span | undefined, { outcome, error, attributes }: SpanEnd): void {
    if (!span) return;
    set(span, { 'slipway.outcome': outcome, ...attributes, ...(error && describeError(error)) });
    // The message of an error may have a parameter in it: `invalid input syntax for type integer: "…"`.
    if (error) span.setStatus({ code: SpanStatusCode.ERROR, ...describeStatus(error) });
    span.end(this.#at(this.#record.elapsedMs));
  }

  /** The times are monotonic from the start of the boot on, as those of events are. */
  #at(elapsedMs: number): number {
    return (this.#record.startedAt ?? 0) + elapsedMs;
  }
}

/** The files of tenants run side by side. */
function nameWork({
  plugin,
  tenant,
}: {
  readonly plugin: string;
  readonly tenant?: string;
}): string {
  return nameTenant(plugin, tenant);
}

function readEnd(
  event: BootEventOf<'boot.finished' | 'phase.finished' | 'removal.finished'>,
): SpanEnd {
  return { outcome: event.outcome, error: readFailure(event) };
}

/** Reads the error of what has ended. What was stopped on purpose has not failed. */
export function readFailure({
  outcome,
  error,
}: {
  readonly outcome: string;
  readonly error?: Error;
}): ErrorRecord | undefined {
  return error && outcome !== 'canceled' ? toErrorRecord(error) : undefined;
}

function describeStatus({ code, name }: ErrorRecord): { readonly message: string } {
  const known = Object.entries(errorCodes).find(([each]) => each === code);
  return { message: known ? known[1].meaning : (code ?? name) };
}

function set(span: Span, attributes: SpanAttributes): void {
  span.setAttributes(toAttributes(attributes));
}

function toAttributes(values: SpanAttributes): Attributes {
  const known = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as Attributes;
}
