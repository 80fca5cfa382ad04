/** The source of time of a boot. Tests of a host can replace it. */
export interface Clock {
  /** Wall-clock time in ms since 1970. */
  now(): number;
  /** Monotonic time in ms since any fixed moment. */
  elapsed(): number;
  /** Calls back once after `ms`, and keeps the process alive until then or until the returned function cancels it. */
  after(ms: number, callback: () => void): () => void;
}
