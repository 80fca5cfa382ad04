const offset = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;
const mask = 0xffffffffffffffffn;

/** Derives the trace id of a boot: its id without dashes, which is a UUID; of any other text, a hash. */
export function makeTraceId(bootId: string): string {
  const hex = bootId.replaceAll('-', '').toLowerCase();
  if (/^[0-9a-f]{32}$/.test(hex) && !/^0+$/.test(hex)) return hex;
  return hash(bootId) + hash(`${bootId} `);
}

/** Derives the id of a span from its path in the boot. The same story has the same ids every time. */
export function makeSpanId(bootId: string, path: string): string {
  return hash(`${bootId}/${path}`);
}

/** FNV-1a with 64 bits, as 16 hex digits (http://www.isthe.com/chongo/tech/comp/fnv/). An id of zeros is not valid. */
function hash(text: string): string {
  let value = offset;
  for (const byte of new TextEncoder().encode(text)) {
    value = ((value ^ BigInt(byte)) * prime) & mask;
  }
  return (value === 0n ? 1n : value).toString(16).padStart(16, '0');
}
