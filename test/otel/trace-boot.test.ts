import { context, trace, TraceFlags } from '@opentelemetry/api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { traceBoot } from '../../src/otel.ts';
import { deferred } from '../support/deferred.ts';
import { alikePlugins } from '../support/migration-folder.ts';
import { collect, type Collected } from './collected.ts';
import { useTracedBoots } from './traced-boots.ts';

const { db, bootUnderTest, traced } = useTracedBoots();
const table = { '0000_a': 'CREATE TABLE a (id int);', '0001_b': 'CREATE TABLE b (id int);' };

describe('the parent of a boot', () => {
  const remote = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  it('is the span that TRACEPARENT names, with the state of TRACESTATE', async () => {
    vi.stubEnv('TRACEPARENT', remote);
    vi.stubEnv('TRACESTATE', 'vendor=1');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { boot, find } = await traced([{ id: 'catalog' }]);
    await boot.migrate();
    const { parentSpanContext } = find('slipway boot');
    expect(find('slipway boot').spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(parentSpanContext).toMatchObject({
      spanId: 'b7ad6b7169203331',
      isRemote: true,
      traceFlags: TraceFlags.SAMPLED,
    });
    expect(parentSpanContext?.traceState?.get('vendor')).toBe('1');
  });

  it.each([
    ['of another form', 'deploy 17'],
    ['of zeros', '00-00000000000000000000000000000000-b7ad6b7169203331-01'],
    ['of a version that is not allowed', remote.replace('00-', 'ff-')],
    ['with a part too many', `${remote}-1`],
  ])('is none when TRACEPARENT is a text %s', async (_, text) => {
    vi.stubEnv('TRACEPARENT', text);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { boot, find } = await traced([{ id: 'catalog' }]);
    await boot.start();
    expect(find('slipway boot').parentSpanContext).toBeUndefined();
  });

  it('is the span that is active at start(), and not that of the environment', async () => {
    vi.stubEnv('TRACEPARENT', remote);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { boot, find, tracerProvider } = await traced([{ id: 'catalog' }]);
    const span = tracerProvider.getTracer('host').startSpan('deploy');
    await context.with(trace.setSpan(context.active(), span), () => boot.start());
    expect(find('slipway boot').parentSpanContext?.spanId).toBe(span.spanContext().spanId);
    span.end();
  });
});

describe('traceBoot()', () => {
  it('keeps two boots of one process apart', async () => {
    const [one, other] = [await traced([{ id: 'a' }]), await traced([{ id: 'b' }])];
    await Promise.all([one.boot.start(), other.boot.start()]);
    for (const { boot, spans } of [one, other]) {
      const ids = new Set(spans().map(({ attributes }) => attributes['slipway.boot.id']));
      expect([...ids]).toEqual([boot.id]);
    }
  });

  it('after the start makes the spans and metrics of all that has happened', async () => {
    const [catalog] = await alikePlugins(['catalog'], table);
    const before = await traced([catalog!]);
    await before.boot.start();
    const late = collect();
    traceBoot(before.boot, late);
    expect(late.tree()).toEqual(before.tree());
    const times = ({ spans }: Pick<Collected, 'spans'>) =>
      spans().map(({ name, startTime, endTime }) => [name, startTime, endTime]);
    expect(times(late)).toEqual(times(before));
    expect(await late.points('slipway.boot.duration')).toMatchObject(
      (await before.points('slipway.boot.duration')).map(({ attributes, value }) => ({
        attributes,
        value,
      })),
    );
  });

  it('from within a listener makes each span once', async () => {
    const collected = collect();
    const { boot } = bootUnderTest({ pool: db.url, plugins: [{ id: 'a' }] });
    boot.once('phase.started', () => void traceBoot(boot, collected));
    await boot.start();
    const names = collected.spans().map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    expect(names).toContain('discover');
  });

  it('ends what is open when it is ended itself', async () => {
    const begun = deferred();
    const goOn = deferred();
    const init = () => {
      begun.resolve();
      return goOn.promise;
    };
    const { boot, end, find, spans } = await traced([{ id: 'catalog', init }]);
    const started = boot.start();
    await begun.promise;
    end();
    end();
    const count = spans().length;
    for (const name of ['init catalog', 'initAll', 'slipway boot']) {
      expect(find(name).attributes['slipway.outcome']).toBe('running');
    }
    goOn.resolve();
    await started;
    await boot.stop();
    expect(spans()).toHaveLength(count);
  });
});
