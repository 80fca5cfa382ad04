import { hostname } from 'node:os';
import { BootError } from '../index.ts';
import { readStory, Story } from '../insight.ts';
import { UsageError } from './exit-codes.ts';
import { chooseLaunch } from './launches.ts';

const units = { ms: 1, s: 1_000, m: 60_000 } as const;

/** The part of a boot that a question is about. */
interface Part {
  /** The number of a launch into it, such as `2`. */
  readonly launch?: string | undefined;
  /** The moment to look at, from the start of the boot or of the launch, such as `3s`. */
  readonly at?: string | undefined;
}

/**
 * Reads the boot that a question is about, or one launch into it: from a recording, from standard input, or from an inspector.
 *
 * @throws BootError `RECORDING_UNREADABLE`, `INSPECTOR_UNAVAILABLE`; UsageError
 */
export async function readSource(source: string, { launch, at }: Part = {}): Promise<Story> {
  const ms = at === undefined ? undefined : readMoment(at);
  const story = chooseLaunch(await read(source), launch);
  return ms === undefined ? story : story.at(ms);
}

async function read(source: string): Promise<Story> {
  if (source === '-') return readStory(process.stdin as AsyncIterable<Uint8Array>);
  if (!/^https?:\/\//.test(source)) return goOn(await readStory(source));
  const { lines, nowMs } = await readInspector(source);
  return goOn(await readStory(lines), nowMs);
}

function readMoment(text: string): number {
  const [, number, unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * units[unit as keyof typeof units];
  throw new UsageError(`--at takes a time such as 1500ms or 3s, and not "${text}".`, 'See --help.');
}

/** A recording without an end belongs to a boot that goes on, if its process is one of this machine and still there. */
function goOn(story: Story, nowMs?: number): Story {
  const { bootId, events, machineRecords, machines, isFull } = story;
  if (story.end !== 'cutOff' || (nowMs === undefined && !isAlive(story))) return story;
  const [first] = events;
  const sinceStart = first === undefined ? 0 : Date.now() - (first.at - first.elapsedMs);
  return new Story({
    bootId,
    events,
    machineRecords,
    machines,
    isFull,
    end: 'running',
    nowMs: Math.max(story.nowMs, nowMs ?? sinceStart),
  });
}

function isAlive({ record: { start } }: Story): boolean {
  if (start?.host !== hostname()) return false;
  try {
    process.kill(start.pid, 0);
    return true;
  } catch (error) {
    // The process of another user is there, too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

interface Inspected {
  readonly lines: readonly string[];
  /** The time of a boot that goes on; left out when it is over. */
  readonly nowMs?: number;
}

/** Reads the lines that an inspector has so far. */
async function readInspector(address: string): Promise<Inspected> {
  const url = new URL(address);
  url.pathname = '/events';
  const stop = new AbortController();
  try {
    const response = await fetch(url, { signal: stop.signal });
    if (!response.ok || !response.body) throw new Error((await response.text()).trim());
    return await readEvents(response.body.pipeThrough(new TextDecoderStream()));
  } catch (cause) {
    const message = `The inspector at ${url.host} does not answer with a boot`;
    const hint = 'Copy its whole address, with the token. The process that serves it has to run.';
    throw new BootError('INSPECTOR_UNAVAILABLE', message, { cause, hint });
  } finally {
    stop.abort();
  }
}

/** The server sends the time once a reader has every line, and an end when the boot is over. */
async function readEvents(stream: AsyncIterable<string>): Promise<Inspected> {
  const lines: string[] = [];
  let rest = '';
  for await (const text of stream) {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = /^event: (\w+)$/m.exec(block)?.[1];
      const data = [...block.matchAll(/^data: ?(.*)$/gm)].map(([, line = '']) => line);
      if (event === 'lines') lines.push(...data);
      if (event === 'now') return { lines, nowMs: Number(data[0]) };
      if (event === 'end') return { lines };
    }
  }
  return { lines };
}
