import { httpCodes, type HttpCode } from './codes.ts';
import type { RequestHead } from './request-head.ts';

/** The parts of an answer besides its code. */
interface AnswerParts {
  readonly status: number;
  readonly fields?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

const encoder = new TextEncoder();

/** Makes a JSON answer that is never cached; without its body for HEAD. */
export function answer(
  { method }: Pick<RequestHead, 'method'>,
  code: HttpCode,
  { status, fields = {}, headers = {} }: AnswerParts,
): Response {
  const body = encoder.encode(`${JSON.stringify({ code, message: httpCodes[code], ...fields })}\n`);
  return new Response(method === 'HEAD' ? null : body, {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(body.byteLength),
      'cache-control': 'no-store',
      ...headers,
    },
  });
}
