import { BootError } from '../../core/errors.ts';
import {
  isError,
  isInstance,
  readMessage,
  readProperty,
  readText,
} from '../../core/foreign-value.ts';

/** Five characters with a digit among them: which `57P01` has and Node's `EPIPE` has not. */
const sqlStatePattern = /^(?=.*\d)[0-9A-Z]{5}$/;

/** Class 08, a server going down or restarting (57P01–57P05), and a session ended for being idle in a transaction. */
const lostSqlStates = /^(08|57P0[1-5]|25P03)/;

const socketCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
]);

/** A name server or a socket file that is not there yet, and a server whose connections are all taken. */
const notYetCodes: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ENOENT', '53300']);

/** pg gives these no code. */
const lostMessages =
  /^(Connection terminated|timeout e|Client has encountered a connection error|Client was closed)/;

/** The SQLSTATE of an error that PostgreSQL sent. */
export function readSqlState(error: unknown): string | undefined {
  const code = readErrorCode(error);
  return code !== undefined && sqlStatePattern.test(code) ? code : undefined;
}

/** Whether the connection is gone, rather than one statement refused. */
export function isConnectionLost(error: unknown): boolean {
  const sqlState = readSqlState(error);
  if (sqlState !== undefined) return lostSqlStates.test(sqlState) && !isRefusal(error);
  if (socketCodes.has(readErrorCode(error) ?? '')) return true;
  return isError(error) && lostMessages.test(readMessage(error));
}

/** Whether the server could not read one message, such as one with a NUL. It reports that, and keeps the connection. */
function isRefusal(error: unknown): boolean {
  return readSqlState(error) === '08P01' && readProperty(error, 'severity') === 'ERROR';
}

/** Whether the same attempt to connect may succeed a little later. */
export function isWorthWaiting(error: unknown): boolean {
  return isConnectionLost(error) || notYetCodes.has(readErrorCode(error) ?? '');
}

/** Returns the loss of a connection: the error itself, or the cause of one of ours. */
export function findLoss(error: unknown): Error | undefined {
  const cause = isInstance(error, BootError) ? error.cause : error;
  return isError(cause) && isConnectionLost(cause) ? cause : undefined;
}

/** Reads the code that Node.js or PostgreSQL gives an error. */
export function readErrorCode(error: unknown): string | undefined {
  return isError(error) ? readText(error, 'code') : undefined;
}

/** The place that PostgreSQL names in what was sent, in characters, from 1; 0 when it names none. */
export function readPosition(cause: unknown): number {
  const position = readProperty(cause, 'position');
  return typeof position === 'string' || typeof position === 'number' ? Number(position) : 0;
}
