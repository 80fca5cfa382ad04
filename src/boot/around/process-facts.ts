import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import type { BootEvents } from '../../core/events.ts';

type ProcessFacts = Pick<
  BootEvents['boot.started'],
  'versions' | 'pid' | 'host' | 'processUptimeMs'
>;

/** Reads what is known of this process and of the machine that it runs on. */
export function readProcessFacts(): ProcessFacts {
  return {
    versions: { slipway: (slipwayVersion ??= readVersion()), node: process.versions.node },
    pid: process.pid,
    host: hostname(),
    processUptimeMs: Math.round(process.uptime() * 1_000),
  };
}

let slipwayVersion: string | undefined;

/** Reads the package under its own name, because the sources and what is built of them have it at different distances. */
function readVersion(): string {
  try {
    const manifest = createRequire(import.meta.url)('slipway/package.json') as { version: string };
    return manifest.version;
  } catch {
    // A bundle of the host has the code of Slipway, and no package around it.
    return 'unknown';
  }
}
