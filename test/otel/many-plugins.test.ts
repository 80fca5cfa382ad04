import { expect, it, vi } from 'vitest';
import { BootRecord } from '../../src/insight/boot-record.ts';
import { traceBoot } from '../../src/otel.ts';
import { runStaged } from '../insight/staged-boot.ts';
import { stageBoot } from '../insight/staged-plan.ts';
import { collect } from './collected.ts';

/** Counts how often a trace goes through all plugins of a boot. */
async function countPasses(plugins: number): Promise<number> {
  const staged = stageBoot(
    ...Array.from({ length: plugins }, (_, at) => ({
      files: [[1]],
      needs: at < 3 ? [] : [at - 3],
    })),
  );
  const boot = await runStaged(staged);
  const { tracerProvider, meterProvider, spans } = collect();
  const passes = vi.spyOn(BootRecord.prototype, 'plugins', 'get');
  try {
    const leave = (): void => {};
    const followed = { ...boot, onAny: () => leave, wrap: () => leave };
    traceBoot(followed, { tracerProvider, meterProvider });
    expect(spans().filter(({ name }) => name.startsWith('init '))).toHaveLength(plugins);
    return passes.mock.calls.length;
  } finally {
    passes.mockRestore();
  }
}

it('the end of a step is traced without a look at all other plugins', async () => {
  expect(await countPasses(60)).toBe(await countPasses(6));
});
