import { startPostgres } from 'slipway/testing';
import type { PostgresServer } from 'slipway/testing';
import type { TestProject } from 'vitest/node';
import { keepTemporaryFilesInMemory } from './temporary-memory.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of the cluster that all test files of this run share. */
    readonly postgresUrl: string;
  }
}

let server: PostgresServer | undefined;

/** Starts one cluster per test run; vitest calls it before the first test file. */
export async function setup(project: TestProject): Promise<void> {
  keepTemporaryFilesInMemory();
  // Room for two test files at once, each with several replicas and twenty busy workers.
  server = await startPostgres({ settings: { max_connections: 300 } });
  project.provide('postgresUrl', server.url);
}

/** Stops the cluster after the last test file. */
export async function teardown(): Promise<void> {
  await server?.stop();
}
