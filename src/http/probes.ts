import type { BootState, LaunchState } from '../core/boot-state.ts';
import { optionsInvalid } from '../core/errors.ts';
import { group, text } from '../core/expect.ts';
import { answer, readPath, type FrontHandler, type HttpCode } from './front-handler.ts';
import { chooseCode, hasStarted, pluginsNotUp, type Observed } from './standing.ts';

/** The paths that {@link probes} answers. */
export interface ProbeOptions {
  /**
   * The path of liveness: whether the process should live.
   *
   * @default '/livez'
   */
  readonly live?: string;
  /**
   * The path of readiness: whether the backend takes requests.
   *
   * @default '/readyz'
   */
  readonly ready?: string;
  /**
   * The path of startup: whether the backend has started, and its progress.
   *
   * @default '/startupz'
   */
  readonly startup?: string;
}

type Verdict = readonly [isGood: boolean, code: HttpCode];

const path = text(/^\/[^?#]*$/, "a path that begins with '/'");

const checkOptions = group({
  live: [path, '/livez'],
  ready: [path, '/readyz'],
  startup: [path, '/startupz'],
});

/**
 * Makes a handler that answers the three probes of an orchestrator with 200 or 503 and a JSON body, and no other path.
 * Liveness is 200 as long as the process works, also while it migrates and while it stops. Readiness is 200 only while
 * everything is up, and no longer when the boot begins to stop. Startup is 200 once everything has been up.
 *
 * @throws BootError `OPTIONS_INVALID`
 * @example
 * const server = createServer(nodeListener([probes(boot), gate(boot)], app));
 * server.listen(8080);
 * await boot.start();
 */
export function probes(boot: Observed, options: ProbeOptions = {}): FrontHandler {
  const paths = checkOptions(options, 'probes');
  const verdicts = new Map<string, (state: BootState) => Verdict>([
    [paths.live, live],
    [paths.ready, ready],
    [paths.startup, startup],
  ]);
  if (verdicts.size < 3) throw optionsInvalid('probes', 'three different paths', options);
  return (request) => {
    const judge = verdicts.get(readPath(request.url));
    if (!judge) return undefined;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return answer(request, 'METHOD_NOT_ALLOWED', {
        status: 405,
        headers: { allow: 'GET, HEAD' },
      });
    }
    const state = boot.state();
    const [isGood, code] = judge(state);
    return answer(request, code, { status: isGood ? 200 : 503, fields: describeState(state) });
  };
}

/** A boot that has failed never recovers in this process: here, and only here, a restart helps. */
function live(state: BootState): Verdict {
  return state.phase === 'failed' ? [false, 'FAILED'] : [true, 'ALIVE'];
}

function ready(state: BootState): Verdict {
  const code = chooseCode(state);
  return [code === 'READY' || code === 'DEGRADED', code];
}

function startup(state: BootState): Verdict {
  return [hasStarted(state), chooseCode(state)];
}

/** Every answer has the same fields, so that one reader can read them all. */
function describeState(state: BootState): object {
  const { bootId, phase, launch } = state;
  return {
    bootId,
    ...describeProgress(state),
    // Plugins that are being added say nothing against readiness: all others serve.
    ...(launch && { launch: { launch: launch.launch, ...describeProgress(launch) } }),
    // Before everything has started, it would contain every plugin.
    notUp: phase === 'ready' ? pluginsNotUp(state) : [],
  };
}

function describeProgress(progress: BootState | LaunchState): object {
  const { phase, headline, settled, total, etaMs, running, wait } = progress;
  return {
    phase,
    headline,
    settled,
    total,
    ...(etaMs === undefined ? {} : { etaMs }),
    running,
    ...(wait ? { wait } : {}),
  };
}
