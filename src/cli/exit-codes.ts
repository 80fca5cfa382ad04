/** Every exit code, and what it means. */
export const exitCodes = {
  0: 'all is well',
  1: 'the boot failed, or PostgreSQL refused',
  2: 'an argument, the config or a recording cannot be used',
  3: 'the check found something',
  4: 'another process held a migration lock for too long',
  130: 'interrupted by Ctrl-C before it was ready',
  143: 'ended by SIGTERM before it was ready',
} as const;

export type ExitCode = keyof typeof exitCodes;

/** The codes of errors that end the program with another exit code than 1. */
const codesOfErrors: Readonly<Partial<Record<string, ExitCode>>> = {
  OPTIONS_INVALID: 2,
  CONFIG_NOT_FOUND: 2,
  CONFIG_INVALID: 2,
  RECORDING_UNREADABLE: 2,
  MIGRATION_LOCK_TIMEOUT: 4,
};

/** Chooses the exit code for an error. */
export function chooseExitCode(error: unknown): ExitCode {
  if (error instanceof UsageError) return 2;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return (typeof code === 'string' ? codesOfErrors[code] : undefined) ?? 1;
}

/** A call that cannot be understood. Its message is all that is printed. */
export class UsageError extends Error {
  /** @param usage How to call it: the usage line, or where the help is. */
  constructor(message: string, usage: string) {
    super(`slipway: ${message}\n\n${usage}`);
  }
}
