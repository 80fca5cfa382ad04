import { createBoot, type BootEventName, type Plugin } from 'slipway';

/** The order that a recorded process carries out: it boots, and ends before that in the way that is ordered. */
export interface RecordedOrder {
  readonly url: string;
  readonly path: string;
  readonly plugins: readonly {
    readonly id: string;
    readonly migrations?: string;
    readonly after?: readonly string[];
  }[];
  /** The event in whose listener the process kills itself. */
  readonly killAt?: BootEventName;
  /** What the last plugin does in its `init`. */
  readonly init?: keyof typeof inits;
}

const inits = {
  isBusy: () => {
    for (;;);
  },
  hangs: () => new Promise<void>(() => {}),
  exits: () => process.exit(3),
  crashes: () => {
    setImmediate(() => {
      throw new Error('nothing catches this');
    });
    return new Promise<void>(() => {});
  },
};

// The text is that of the test which has started this.
const { url, path, plugins, killAt, init } = JSON.parse(process.argv[2] ?? '') as RecordedOrder;
const boot = createBoot({
  pool: url,
  record: path,
  plugins: plugins.map((plugin, index): Plugin => ({
    ...plugin,
    ...(init && index === plugins.length - 1 && { init: inits[init] }),
  })),
});
if (killAt) boot.onAny(({ type }) => type === killAt && process.kill(process.pid, 'SIGKILL'));
await boot.start();
await boot.stop();
