import type { FileRun } from '../../../insight/file-runs.ts';
import type { PluginRecord } from '../../../insight/plugin-record.ts';

/** `elsewhere` was applied by another process meanwhile; `left` was pending when the migration of its plugin ended. */
export type FileState =
  | NonNullable<FileRun['outcome']>
  | 'pending'
  | 'running'
  | 'elsewhere'
  | 'left';

/** A migration file of a plugin that was pending. */
export interface PluginFile {
  readonly name: string;
  readonly state: FileState;
  /** The last attempt at it; left out when there was none. */
  readonly run?: FileRun;
  readonly attempts: number;
}

/** Reads the files of a plugin that were pending, in their order. */
export function readFiles({
  pending,
  applied,
  tenants,
  steps: { migrate },
}: PluginRecord): readonly PluginFile[] {
  const runs = new Map<string, { readonly run: FileRun; readonly attempts: number }>();
  for (const run of migrate.files) {
    runs.set(run.file, { run, attempts: (runs.get(run.file)?.attempts ?? 0) + 1 });
  }
  return pending.map((name) => {
    const last = runs.get(name);
    if (last) return { name, ...last, state: last.run.outcome ?? 'running' };
    // The attempts of tenants are not kept.
    const isApplied = tenants !== undefined && applied.includes(name);
    return { name, attempts: 0, state: isApplied ? 'applied' : readRest(migrate) };
  });
}

function readRest({ outcome }: PluginRecord['steps']['migrate']): FileState {
  if (outcome === undefined) return 'pending';
  return outcome === 'done' || outcome === 'upToDate' ? 'elsewhere' : 'left';
}
