import { createReadStream } from 'node:fs';
import { toError } from '../core/error-record.ts';
import { BootError } from '../core/errors.ts';
import { RecordingParser } from '../insight/parse-recording.ts';
import type { Story } from '../insight/story.ts';

/** In characters. A longer line is none of a recording, and would fill the memory. */
const longestLine = 64 * 1024 * 1024;
const lineBreak = 0x0a;

/**
 * Reads the story of a recorded boot: from its file, from its lines, or from a stream of bytes such as `process.stdin`.
 *
 * @throws BootError `RECORDING_UNREADABLE` when there is no such file, or it is no recording, or a line before the last one is
 * damaged
 * @example
 * const story = await readStory('boot.jsonl');
 * console.log(headline(story));
 */
export async function readStory(
  source: string | URL | Iterable<string> | AsyncIterable<string | Uint8Array>,
): Promise<Story> {
  if (typeof source !== 'string' && !(source instanceof URL)) return parse(source);
  try {
    return await parse(createReadStream(source) as AsyncIterable<Uint8Array>);
  } catch (cause) {
    const message = `Cannot read ${String(source)}: ${toError(cause).message}`;
    throw new BootError('RECORDING_UNREADABLE', message, { cause });
  }
}

async function parse(
  source: Iterable<string> | AsyncIterable<string | Uint8Array>,
): Promise<Story> {
  const parser = new RecordingParser();
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of source) {
    // A text has whole lines, and bytes may end anywhere.
    rest += typeof part === 'string' ? `${part}\n` : decoder.decode(part, { stream: true });
    if (rest.length > longestLine) {
      throw new BootError('RECORDING_UNREADABLE', 'One of its lines is too long for a recording');
    }
    // Appending is cheap until the text is searched.
    if (typeof part !== 'string' && !part.includes(lineBreak)) continue;
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) parser.add(line);
  }
  if (rest !== '') parser.add(rest);
  return parser.finish();
}
