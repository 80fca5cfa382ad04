import { readdirSync, readlinkSync } from 'node:fs';

/** Lists the files that this process has open, of those whose path has this part. */
export function listOpenFiles(part: string): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    const target = readTarget(`/proc/self/fd/${fd}`);
    return target?.includes(part) ? [target] : [];
  });
}

/** The list has the file that it is read with, which is closed by now. */
function readTarget(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
