import type { CustomTypesConfig } from 'pg';

type Format = 'text' | 'binary';
type Parser = (value: string | Buffer) => unknown;

/** The types that Slipway's own queries ask for besides text, as `pg_type` numbers them. */
const boolOid = 16;
const int4Oid = 23;

const parsers: Readonly<Record<number, Readonly<Record<Format, Parser>>>> = {
  [boolOid]: {
    text: (value) => value === 't',
    binary: (value) => (value as Buffer)[0] === 1,
  },
  [int4Oid]: {
    text: Number,
    binary: (value) => (value as Buffer).readInt32BE(0),
  },
};

/**
 * Reads the answers to Slipway's own queries: booleans, int4, and text for all else. A host may change how pg reads any type,
 * for the process or for one pool (`types.setTypeParser(23, BigInt)`, `binary: true`), and that must not change what Slipway
 * takes for an answer. Queries of users keep the parsers of the host.
 *
 * @example await client.query({ text: 'select pg_backend_pid() as pid', types: ownTypes });
 */
export const ownTypes: CustomTypesConfig = {
  // pg's types know the built-in oids only, and one answer for each of them.
  getTypeParser: ((oid: number, format: Format = 'text'): Parser =>
    parsers[oid]?.[format] ?? String) as CustomTypesConfig['getTypeParser'],
};
