import { useState } from 'preact/hooks';
import { formatDuration } from '../../../core/duration.ts';
import { printable } from '../../../core/printable.ts';
import type { FileRun, StatementRun } from '../../../insight/file-runs.ts';
import type { PluginRecord } from '../../../insight/plugin-record.ts';
import type { ViewProps } from '../view-props.ts';
import { Band, Section } from '../parts.tsx';
import { readFiles, type FileState, type PluginFile } from './plugin-files.ts';

interface FilesProps extends Pick<ViewProps, 'story'> {
  readonly plugin: PluginRecord;
}

/** The files that were pending, in their order, each with its statements when it is opened. */
export function Files({ story, plugin }: FilesProps) {
  const files = readFiles(plugin);
  if (files.length === 0) return null;
  const around = files.findLastIndex(({ run }) => run !== undefined);
  const nowMs = plugin.steps.migrate.finishedAtMs ?? story.nowMs;
  return (
    <Section title={files.length === 1 ? 'File' : `${files.length} files`}>
      <Band of={files} most={50} around={Math.max(0, around)}>
        {(file) => <File key={file.name} file={file} nowMs={nowMs} />}
      </Band>
    </Section>
  );
}

const words: Readonly<Record<FileState, string>> = {
  pending: '○ pending',
  running: '▶ runs',
  applied: '✓ applied',
  failed: '✕ failed',
  rolledBack: '↺ rolled back',
  elsewhere: '✓ by another process',
  left: '⊘ not applied',
};

function File({ file, nowMs }: { readonly file: PluginFile; readonly nowMs: number }) {
  const { name, state, run, attempts } = file;
  const [isOpen, setOpen] = useState(false);
  const line = (
    <>
      <span class="name">{printable(name)}</span>
      <span class={`state ${state}`}>
        {words[state]}
        {attempts > 1 && `, attempt ${attempts}`}
      </span>
      <span class="number">{run && formatDuration((run.endMs ?? nowMs) - run.startMs)}</span>
    </>
  );
  if (!run || run.statements.length === 0) return <li class="file">{line}</li>;
  return (
    <li>
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary class="file">{line}</summary>
        {isOpen && <Statements run={run} nowMs={nowMs} />}
      </details>
    </li>
  );
}

function Statements({ run, nowMs }: { readonly run: FileRun; readonly nowMs: number }) {
  return (
    <div class="statements">
      <Band of={run.statements} most={200}>
        {(statement) => (
          <li key={statement.statement} class="statement">
            <span class="number">{statement.statement}</span>
            <span class="name">{describeStatement(statement)}</span>
            <span class="number">
              {formatDuration((statement.endMs ?? run.endMs ?? nowMs) - statement.startMs)}
            </span>
          </li>
        )}
      </Band>
    </div>
  );
}

function describeStatement({ command, line }: StatementRun): string {
  const where = line === undefined ? '' : `, line ${line}`;
  return printable(`${command || 'SQL'}${where}`);
}
