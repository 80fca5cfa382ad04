import type { Plugin } from '../../src/index.ts';
import { traceBoot } from '../../src/otel.ts';
import { useBoots, type BootUnderTest } from '../support/boot-under-test.ts';
import { useDatabase, type FileDatabase } from '../support/database.ts';
import { collect, useAsyncContext, type Collected } from './collected.ts';

/** A boot with what is collected of it. */
interface TracedBoot extends BootUnderTest, Collected {
  readonly url: string;
  /** Ends the trace. */
  readonly end: () => void;
}

interface TracedBoots {
  readonly db: FileDatabase;
  readonly bootUnderTest: ReturnType<typeof useBoots>;
  /** Makes a boot on a database of its own, traced from its beginning. */
  readonly traced: (plugins: readonly Plugin[]) => Promise<TracedBoot>;
}

/** Gives a test file boots that are traced. */
export function useTracedBoots(): TracedBoots {
  const db = useDatabase();
  const bootUnderTest = useBoots();
  useAsyncContext();
  return {
    db,
    bootUnderTest,
    traced: async (plugins) => {
      const { url } = await db.fresh();
      const collected = collect();
      const underTest = bootUnderTest({ pool: url, plugins });
      const end = traceBoot(underTest.boot, collected);
      return { ...underTest, ...collected, url, end };
    },
  };
}
