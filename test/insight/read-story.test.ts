import { createReadStream } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { BootError, createBoot } from '../../src/index.ts';
import { headline, readStory } from '../../src/insight.ts';
import { useDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/migration-folder.ts';

const db = useDatabase();

let text = '';
beforeAll(async () => {
  const record = (lines: string): void => void (text += lines);
  const boot = createBoot({ pool: db.url, plugins: [{ id: 'auth' }], record });
  await boot.start();
  // The last line has letters of more than one byte.
  await boot.stop('Überlast ☕');
});

async function fileOf(content: string | Buffer): Promise<string> {
  const path = join(await temporaryFolder(), 'boot.jsonl');
  await writeFile(path, content);
  return path;
}

const failureOf = (reading: Promise<unknown>): Promise<BootError> =>
  reading.then(
    () => expect.unreachable(),
    (error: unknown) => {
      expect(error).toBeInstanceOf(BootError);
      expect(error).toMatchObject({ code: 'RECORDING_UNREADABLE' });
      return error as BootError;
    },
  );

describe('a recording', () => {
  it('is read from a path, a URL, lines, texts, and a stream of bytes', async () => {
    const path = await fileOf(text);
    const sources = [
      path,
      pathToFileURL(path),
      text.split('\n'),
      [text],
      createReadStream(path, { highWaterMark: 7 }) as AsyncIterable<Uint8Array>,
    ];
    const stories = await Promise.all(sources.map((source) => readStory(source)));
    expect(stories.map(({ events }) => events)).toEqual(stories.map(() => stories[0]?.events));
    expect(stories[0]?.record.stopping?.reason).toBe('Überlast ☕');
  });

  it('that is cut anywhere in its last lines has every line before', async () => {
    const bytes = Buffer.from(text);
    const lines = text.trimEnd().split('\n');
    const last = Buffer.byteLength(`${lines.slice(-3).join('\n')}\n`);
    const whole = await readStory([text]);
    for (let cut = bytes.length - last; cut <= bytes.length; cut += 1) {
      const left = bytes.subarray(0, cut);
      const story = await readStory(only(left));
      const ended = lines.filter((line) => left.includes(line)).length - 1;
      expect(story.events.length + story.machineRecords.length).toBe(ended);
      expect(story.events).toEqual(whole.events.slice(0, story.events.length));
      expect(headline(story)).not.toBe('');
    }
  });

  it('may have line breaks of Windows, a byte order mark, and empty lines', async () => {
    const path = await fileOf(`\uFEFF${text.replaceAll('\n', '\r\n')}\r\n\r\n`);
    expect((await readStory(path)).events).toEqual((await readStory([text])).events);
  });

  it('may end in the zeros that a file has after a power failure', async () => {
    const path = await fileOf(text);
    await appendFile(path, Buffer.alloc(4_096));
    expect((await readStory(path)).events).toEqual((await readStory([text])).events);
  });

  it('may have types of lines and fields that this version does not know', async () => {
    const more = `{"seq":1,"t":9,"type":"recording.note","text":"?"}\n`;
    expect((await readStory([text, more])).end).toBe('finished');
  });
});

describe('something that is no recording', () => {
  const lines = (): string[] => text.split('\n');

  it.each([
    [
      'a missing file',
      () => Promise.resolve('/nowhere/boot.jsonl'),
      /^Cannot read \/nowhere\/boot\.jsonl: ENOENT/,
    ],
    ['a folder', temporaryFolder, /^Cannot read .*: EISDIR/],
    ['an empty file', () => fileOf(''), /The recording is empty: its boot has not begun/],
    ['blank lines', () => fileOf('\n \n'), /The recording is empty/],
    ['a text', () => fileOf('hello\nworld\n'), /This is no recording of a boot: its first line/],
    ['a log of pino', () => fileOf('{"level":30,"time":1}\n'), /This is no recording/],
    ['bytes', () => fileOf(Buffer.alloc(10_000, 0xff)), /This is no recording/],
    ['null', () => fileOf('null\n'), /This is no recording/],
    [
      'a header without its fields',
      () => fileOf('{"format":"slipway-recording/1"}\n'),
      /This is no recording/,
    ],
    [
      'a newer format',
      () => fileOf('{"format":"slipway-recording/2"}\n'),
      /has the format slipway-recording\/2, and this version of Slipway reads slipway-recording\/1/,
    ],
    [
      'a middle without its header',
      () => fileOf(lines().slice(1).join('\n')),
      /This is no recording/,
    ],
    [
      'a damaged line, which is counted with the blank ones',
      () => fileOf(lines().toSpliced(3, 1, '', '{"seq":1,"t"').join('\n')),
      /Line 5 of the recording is damaged/,
    ],
    [
      'a line that is JSON of another kind',
      () => fileOf(lines().toSpliced(3, 1, '[1]').join('\n')),
      /Line 4 of the recording is damaged/,
    ],
    [
      'an event without its fields',
      () => fileOf(`${lines()[0]}\n{"seq":1,"t":1,"type":"graph.sorted"}\n`),
      /One of its events lacks a field/,
    ],
  ])('is refused with the reason: %s', async (_, place, message) => {
    expect((await failureOf(readStory(await place()))).message).toMatch(message);
  });

  it('is refused before it fills the memory', async () => {
    let parts = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (const part = Buffer.alloc(1_048_576, 'a'); ; parts += 1) yield part;
    }
    expect((await failureOf(readStory(endless()))).message).toMatch(/too long for a recording/);
    expect(parts).toBe(64);
  });
});

/** A stream of one part. */
async function* only(part: Uint8Array): AsyncGenerator<Uint8Array> {
  yield part;
}
