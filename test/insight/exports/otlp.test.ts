import type { IExportTraceServiceRequest } from '@opentelemetry/otlp-transformer/build/src/trace/internal-types.js';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { writeOtlp, type OtlpSpan, type OtlpTraces } from '../../../src/insight/exports/otlp.ts';
import { storyOf } from '../../../src/insight/story.ts';
import { runStaged } from '../staged-boot.ts';
import { readSpans } from './read-otlp.ts';
import { anyStory, hostileNames, makeHostile, stage, tell, tellExample } from './stories.ts';

/** The same type without `readonly`, which the types of OpenTelemetry do not know. */
type Writable<T> = { -readonly [Key in keyof T]: Writable<T[Key]> };
/** Their JSON type has a number for `intValue`; the JSON of protobuf accepts a number and a string, and writes a string. */
type WithNumbers<T> = T extends { intValue: string }
  ? { intValue: number }
  : T extends string | number
    ? T
    : { [Key in keyof T]: WithNumbers<T[Key]> };

function readAttributes({ attributes }: Pick<OtlpSpan, 'attributes'>) {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

describe('OTLP/JSON', () => {
  it('has the types of OpenTelemetry', () => {
    expectTypeOf<WithNumbers<Writable<OtlpTraces>>>().toExtend<IExportTraceServiceRequest>();
  });

  it('keeps the rules of the format, for every boot and at every moment', async () => {
    await fc.assert(
      fc.asyncProperty(anyStory, async ({ boot, untilMs }) => {
        readSpans(writeOtlp(await tell(boot, untilMs)));
      }),
      { numRuns: 50 },
    );
  });

  it('has a span for the boot, each phase, each step and each attempt at a file', async () => {
    const spans = readSpans(writeOtlp(await tellExample()));
    const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
    const lines = spans.map(({ name, parentSpanId, startTimeUnixNano, endTimeUnixNano }) => {
      const ms = (BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1_000_000n;
      return `${names.get(parentSpanId ?? '') ?? '-'} > ${name}: ${ms}ms`;
    });
    expect(lines).toMatchInlineSnapshot(`
      [
        "- > slipway boot: 254ms",
        "slipway boot > discover: 8ms",
        "slipway boot > sort: 0ms",
        "slipway boot > migrateAll: 201ms",
        "slipway boot > initAll: 45ms",
        "migrateAll > migrate p0: 79ms",
        "migrate p0 > migrate.file: 52ms",
        "migrate p0 > migrate.file: 25ms",
        "initAll > init p0: 15ms",
        "initAll > ready p0: 5ms",
        "migrateAll > migrate p1: 91ms",
        "migrate p1 > migrate.file: 8ms",
        "migrate p1 > migrate.file: 8ms",
        "initAll > init p1: 20ms",
        "initAll > ready p1: 5ms",
        "initAll > init p2: 12ms",
        "initAll > ready p2: 0ms",
        "initAll > init p3: 0ms",
        "initAll > ready p3: 0ms",
      ]
    `);
  });

  it('says what failed, and what a step waited for', async () => {
    const spans = readSpans(writeOtlp(await tellExample()));
    const find = (name: string) => spans.find((span) => span.name === name);
    const failed = find('init p2');
    expect(failed?.status).toEqual({ code: 2, message: 'init of p2 failed' });
    expect(readAttributes(failed ?? { attributes: [] })).toMatchObject({
      'slipway.boot.id': '00000000-0000-4000-8000-000000000000',
      'slipway.step': 'init',
      'slipway.plugin.id': 'p2',
      'slipway.outcome': 'failed',
      'error.type': 'Error',
    });
    const locked = find('migrate p1');
    expect(locked?.status).toEqual({ code: 0 });
    expect(readAttributes(locked ?? { attributes: [] })).toMatchObject({
      'db.system.name': 'postgresql',
      'db.namespace': 'plugin_p1',
      'slipway.wait.lock': 0.066,
    });
    expect(locked?.events.map(readAttributes)).toMatchObject([
      { 'slipway.wait.reason': 'connection' },
      {
        'slipway.wait.reason': 'lock',
        'slipway.wait.holder': 'slipway/other@pod-2 (pid 4711, active)',
      },
      { 'slipway.wait.reason': 'retry' },
    ]);
  });

  it('adds nanoseconds without errors of rounding', async () => {
    const story = await tell(stage([{}]));
    const events = story.events.map((event) => ({
      ...event,
      at: 1_799_999_999_123,
      elapsedMs: event.elapsedMs + (event.seq > 1 ? 0.000001 : 0),
    }));
    const [root, discover] = readSpans(
      writeOtlp(storyOf({ id: story.bootId, events: events, elapsedMs: 70 })),
    );
    expect(root?.startTimeUnixNano).toBe('1799999999123000000');
    expect(discover?.startTimeUnixNano).toBe('1799999999123000001');
  });

  it('is the same each time, and valid whatever the names are', async () => {
    const { boot } = fc.sample(anyStory, { numRuns: 1, seed: 7 })[0] ?? {};
    const told = boot && (await runStaged(boot));
    for (const name of hostileNames) {
      if (!told) continue;
      const text = writeOtlp(storyOf(makeHostile({ ...told, id: name }, name)));
      readSpans(text);
      expect(writeOtlp(storyOf(makeHostile({ ...told, id: name }, name)))).toBe(text);
    }
  });
});
