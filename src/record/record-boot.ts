import { resolve } from 'node:path';
import type { BootEvent, Emit } from '../core/events.ts';
import { openLineFile, type LineFile } from './line-file.ts';
import { createRecorder, type Recorded, type RecorderOptions } from './create-recorder.ts';

/**
 * Records a boot to the target that its option `record` names. A recording that cannot be written is a warning, once, and the
 * boot goes on without it. A file is opened with the first line and closed after the last one.
 */
export function recordBoot(
  boot: Recorded,
  target: string | RecorderOptions['write'],
  emit: Emit,
): void {
  const file = typeof target === 'string' ? new RecordingFile(resolve(target)) : undefined;
  const end = createRecorder(boot, {
    write: file ? file.write : (target as RecorderOptions['write']),
    onError: ({ message: reason }) => {
      file?.close();
      const what = file ? `${file.path} cannot be written` : 'the function `record` failed';
      emit({
        type: 'boot.warning',
        message: `The recording ends here, because ${what}: ${reason}`,
      });
    },
  });
  const left = new Set<BootEvent['type']>(['boot.finished', 'boot.stopped']);
  const leave = boot.onAny(({ type }) => {
    if (!left.delete(type) || left.size > 0) return;
    leave();
    end();
    file?.close();
  });
}

/** The file of a recording, which is made with its first line. */
class RecordingFile {
  readonly path: string;
  #file: LineFile | undefined;

  constructor(path: string) {
    this.path = path;
  }

  readonly write = (lines: string): void => {
    this.#file ??= openLineFile(this.path);
    this.#file.write(lines);
  };

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
