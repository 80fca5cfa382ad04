import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import schema from '../../src/cli/documents.schema.json' with { type: 'json' };

/** The published schema is open, so that a newer document is valid. This one also finds a field that no type declares. */
const ajv = new Ajv2020();
const validate = ajv.compile(close(schema) as object);

/** Expects one document of that format, and nothing else. */
export function expectDocument(text: string, format: string): unknown {
  const document = JSON.parse(text) as { readonly format?: unknown };
  expect(document.format).toBe(format);
  validate(document);
  const errors = (validate.errors ?? []).filter(({ keyword }) => keyword !== 'const');
  expect(validate.errors === null ? [] : errors).toEqual([]);
  return document;
}

function close(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(close);
  if (typeof part !== 'object' || part === null) return part;
  const closed = Object.fromEntries(Object.entries(part).map(([key, each]) => [key, close(each)]));
  return 'properties' in part ? { ...closed, additionalProperties: false } : closed;
}
