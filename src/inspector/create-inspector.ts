import { readFile } from 'node:fs/promises';
import { toError } from '../core/error-record.ts';
import { BootError, optionsInvalid } from '../core/errors.ts';
import type { BootEvent } from '../core/events.ts';
import { integer, knownKeysOnly, record } from '../core/expect.ts';
import { isRecord } from '../core/foreign-value.ts';
import { parseRecording } from '../insight/parse-recording.ts';
import { createRecorder, type Recorded } from '../record/create-recorder.ts';
import { LineFeed } from './line-feed.ts';
import { PageServer } from './page-server.ts';

/** The part of a boot that an inspector reads. */
export interface Inspected extends Recorded {
  /** The time since the start, in ms; 0 before it. */
  readonly elapsedMs: number;
  /** Its phase is `stopped` once it is down. */
  state(): { readonly phase: string };
  /** A boot that is stopped before its start says so here only. */
  beforeStop(drain: () => unknown): () => void;
}

/** The options of {@link createInspector}. */
export interface InspectorOptions {
  /**
   * The port of 127.0.0.1.
   *
   * @default 0, which takes a free one
   */
  readonly port?: number;
}

/** A page that shows a boot or its recording, for the browsers of this machine. */
export interface Inspector extends AsyncDisposable {
  /** The address with its token. Who has it sees the boot. */
  readonly url: string;
  /** Closes every connection. Any number of calls. */
  close(): Promise<void>;
}

/** In characters. The recording stays in the memory of the process; after so much of it details are left out. */
const maxLength = 32 * 1024 * 1024;

/**
 * Shows a boot in the browser while it runs, or the recording of one. The page has the events so far, also when it is opened
 * late, and those that come. It does not keep the process of a boot alive; for a recording it does, until `close()`.
 *
 * @param source A boot, before or after `start()`, or the path of a recording, which is read once.
 * @throws BootError `OPTIONS_INVALID`, `INSPECTOR_UNAVAILABLE` or `RECORDING_UNREADABLE`
 * @example
 * const inspector = await createInspector(boot);
 * console.log(`Open ${inspector.url}`);
 * await boot.start();
 */
export async function createInspector(
  source: Inspected | string | URL,
  options: InspectorOptions = {},
): Promise<Inspector> {
  const port = checkPort(options);
  if (typeof source === 'string' || source instanceof URL) {
    const server = new PageServer(await readFeed(source));
    await server.listen(port);
    return toInspector(server, () => {});
  }
  if (!isBoot(source)) {
    throw optionsInvalid('the first argument', 'a boot or the path of a recording', source);
  }
  const feed = new LineFeed();
  const server = new PageServer(feed, () => source.elapsedMs);
  const stopRecording = follow(source, feed);
  server.unref();
  try {
    await server.listen(port);
  } catch (error) {
    stopRecording();
    throw error;
  }
  return toInspector(server, stopRecording);
}

function checkPort(options: InspectorOptions): number {
  knownKeysOnly(record(options, 'the options of createInspector()'), ['port'], 'createInspector()');
  return integer(0, 65_535)(options.port ?? 0, 'port');
}

function isBoot(source: unknown): source is Inspected {
  return (
    isRecord(source) &&
    ['onAny', 'inspect', 'state', 'beforeStop'].every((key) => typeof source[key] === 'function')
  );
}

/** @throws BootError `RECORDING_UNREADABLE` */
async function readFeed(path: string | URL): Promise<LineFeed> {
  try {
    const lines = (await readFile(path, 'utf8')).split('\n');
    parseRecording(lines);
    const feed = new LineFeed(lines.filter((line) => line.trim() !== ''));
    feed.end();
    return feed;
  } catch (cause) {
    const message = `Cannot read ${String(path)}: ${toError(cause).message}`;
    throw new BootError('RECORDING_UNREADABLE', message, { cause });
  }
}

/** Brings the recording of the boot to the feed, until the boot is down or the returned function is called. */
function follow(boot: Inspected, feed: LineFeed): () => void {
  const end = createRecorder(boot, { write: feed.add, onError: feed.end, maxLength });
  // A launch that fails is down before it is reported.
  const left = new Set<BootEvent['type']>(['boot.finished', 'boot.stopped']);
  const note = ({ type }: BootEvent): void => {
    if (!left.delete(type) || left.size > 0) return;
    end();
    feed.end();
  };
  for (const event of boot.events) note(event);
  // A boot that is stopped before its start emits no event.
  const endUnbegun = (): void => {
    if (boot.events.length === 0) feed.end();
  };
  if (boot.state().phase === 'stopped') endUnbegun();
  const leave = [boot.onAny(note), boot.beforeStop(endUnbegun)];
  return () => {
    for (const each of leave) each();
    end();
  };
}

function toInspector(server: PageServer, stopRecording: () => void): Inspector {
  const close = async (): Promise<void> => {
    stopRecording();
    await server.close();
  };
  return { url: server.url, close, [Symbol.asyncDispose]: close };
}
