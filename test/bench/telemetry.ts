import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { Pool } from 'pg';
import { createBoot, type Boot } from 'slipway';
import { traceBoot } from 'slipway/otel';
import { zeroTimePlugins } from './generated-plugins.ts';
import { measureInTurn, type Rounds, type Sample } from './measure.ts';

/** What it costs that others follow a boot of plugins that do nothing. */
export interface TelemetryResult {
  readonly plugins: number;
  /** Without a listener, twice: what is between the two is noise. */
  readonly alone: Sample;
  readonly aloneAgain: Sample;
  /** With a subscriber of every channel. */
  readonly channels: Sample;
  /** With `traceBoot()` and no SDK: what Slipway itself adds to the spans. */
  readonly traced: Sample;
}

/** Measures boots without a listener, and boots that are followed, in turn. No connection is ever made. */
export async function measureTelemetry(plugins: number, rounds: Rounds): Promise<TelemetryResult> {
  const samples = await measureInTurn(
    {
      alone: () => bootOnce(plugins),
      aloneAgain: () => bootOnce(plugins),
      channels: () => whileSubscribed(() => bootOnce(plugins)),
      traced: () => bootOnce(plugins, traceBoot),
    },
    rounds,
  );
  return { plugins, ...samples };
}

async function bootOnce(count: number, follow?: (boot: Boot) => unknown): Promise<number> {
  const plugins = zeroTimePlugins(count, 'layers');
  const pool = new Pool();
  try {
    const startedAt = performance.now();
    const boot = createBoot({ pool, plugins });
    follow?.(boot);
    await boot.start();
    const ms = performance.now() - startedAt;
    await boot.stop();
    return ms;
  } finally {
    await pool.end();
  }
}

const ignore = (): void => {};
const subscribers = {
  start: ignore,
  end: ignore,
  asyncStart: ignore,
  asyncEnd: ignore,
  error: ignore,
};

async function whileSubscribed(run: () => Promise<number>): Promise<number> {
  const names = ['boot', 'phase', 'migrate', 'init', 'ready', 'stop'];
  const channels = names.map((name) => tracingChannel<unknown, object>(`slipway.${name}`));
  subscribe('slipway.event', ignore);
  for (const channel of channels) channel.subscribe(subscribers);
  try {
    return await run();
  } finally {
    unsubscribe('slipway.event', ignore);
    for (const channel of channels) channel.unsubscribe(subscribers);
  }
}
