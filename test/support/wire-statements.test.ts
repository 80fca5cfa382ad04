import { expect, test } from 'vitest';
import { StatementReader } from './wire-statements.ts';

const SSL_REQUEST = packet('', int32(80_877_103));
const STARTUP = packet('', Buffer.concat([int32(196_608), text('user', 'me', '')]));

/** The messages of pg: a simple query, a named statement that runs twice, an unnamed one, and the messages around them. */
const CONVERSATION = Buffer.concat([
  SSL_REQUEST,
  STARTUP,
  packet('p', text('a password with Q in it')),
  packet('Q', text('select 1; select 2')),
  packet('P', Buffer.concat([text('named', 'select $1'), Buffer.alloc(2)])),
  bindAndRun('', 'named'),
  bindAndRun('', 'named'),
  packet('P', Buffer.concat([text('', 'select ü'), Buffer.alloc(2)])),
  packet('B', Buffer.concat([text('portal', ''), Buffer.alloc(6)])),
  packet('P', Buffer.concat([text('', 'never run'), Buffer.alloc(2)])),
  packet('E', Buffer.concat([text('portal'), int32(0)])),
  packet('S', Buffer.alloc(0)),
  packet('Q', text('commit')),
  packet('X', Buffer.alloc(0)),
]);
const STATEMENTS = ['select 1; select 2', 'select $1', 'select $1', 'select ü', 'commit'];

test('statements that come in one chunk are counted one by one', () => {
  expect(read([CONVERSATION])).toEqual(STATEMENTS);
});

test.each([1, 2, 3, 7, 64])('statements cut into pieces of %i bytes are the same', (size) => {
  const chunks = [];
  for (let at = 0; at < CONVERSATION.length; at += size) {
    chunks.push(CONVERSATION.subarray(at, at + size));
  }
  expect(read(chunks)).toEqual(STATEMENTS);
});

function read(chunks: readonly Buffer[]): readonly string[] {
  const statements: string[] = [];
  const reader = new StatementReader((sql) => statements.push(sql));
  for (const chunk of chunks) reader.push(chunk);
  return statements;
}

function bindAndRun(portal: string, name: string): Buffer {
  return Buffer.concat([
    packet('B', Buffer.concat([text(portal, name), Buffer.alloc(6)])),
    packet('D', text(`P${portal}`)),
    packet('E', Buffer.concat([text(portal), int32(0)])),
  ]);
}

function packet(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function text(...parts: readonly string[]): Buffer {
  return Buffer.from(parts.map((part) => `${part}\0`).join(''));
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
