import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { InitDocument } from '../documents.ts';
import { UsageError } from '../exit-codes.ts';
import { configNames } from '../load-config.ts';
import { lookAtProject, type Project } from '../look-at-project.ts';
import { writeStarterFiles } from '../starter-files.ts';

export async function run({ options, output }: Input<CommandOf<'init'>>): Promise<void> {
  const folder = process.cwd();
  const project = lookAtProject(folder);
  const files = Object.entries(writeStarterFiles(project));
  refuseExisting(
    folder,
    files.map(([path]) => path),
  );
  for (const [path, text] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    // A file that has appeared meanwhile stays as it is.
    await writeFile(join(folder, path), text, { flag: 'wx' });
  }
  const document: InitDocument = {
    format: 'slipway.init/1',
    written: files.map(([path]) => path),
    next: listNext(project),
  };
  printAnswer(output, options, document, (page) => {
    page.title('Written');
    for (const path of document.written) page.point('good', path);
    page.title('Next');
    for (const command of document.next) page.line(`  ${command}`);
    if (project.ending.endsWith('ts')) {
      page.line('tsc needs allowImportingTsExtensions for imports that end in .ts or .mts.');
    }
  });
}

/** @throws UsageError when there is a config, or a file that would be written */
function refuseExisting(folder: string, paths: readonly string[]): void {
  const existing = [...configNames, ...paths].find((path) => existsSync(join(folder, path)));
  if (existing === undefined) return;
  const advice = existing.startsWith('slipway.config')
    ? 'This folder is set up already: slipway plan shows what a boot would do.'
    : 'Move it away, and call slipway init again.';
  throw new UsageError(`There is ${existing} already. Nothing was written.`, advice);
}

function listNext({ install, exec, missing }: Project): readonly string[] {
  return [
    ...(missing.length === 0 ? [] : [`${install} ${missing.join(' ')}`]),
    'export DATABASE_URL=postgres://user:password@localhost:5432/database',
    `${exec} slipway doctor`,
    `${exec} slipway start`,
  ];
}
