import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { Boot, BootPlan, Problem, Warning } from '../index.ts';
import { isDoubtful } from './check-plan.ts';
import { writeMarkdown } from './markdown-page.ts';
import type { Output } from './output.ts';
import { Page } from './page.ts';

/** Appends a boot to the summary of the job, when the program runs in GitHub Actions. */
export async function addSummary(boot: Boot, output: Output): Promise<void> {
  if (boot.events.length === 0) return;
  await append(output, async () => {
    const { exportStory, storyOf } = await import('../insight.ts');
    return exportStory(storyOf(boot), 'markdown');
  });
}

/** Appends an answer to the summary of the job. */
export async function addPage(
  title: string,
  describe: (page: Page) => void,
  output: Output,
): Promise<void> {
  await append(output, async () => {
    const page = new Page();
    page.title(title);
    describe(page);
    return writeMarkdown(page);
  });
}

/** A summary that cannot be written is no reason to fail. */
async function append(output: Output, write: () => Promise<string>): Promise<void> {
  const path = process.env['GITHUB_STEP_SUMMARY'];
  if (!path) return;
  try {
    await appendFile(path, `${await write()}\n`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    output.note(`The summary of the job was not written: ${why}`);
  }
}

/** Prints problems and warnings as annotations of the job, when the program runs in GitHub Actions. */
export function printAnnotations(
  { plugins, warnings, problems }: Pick<BootPlan, 'plugins' | 'warnings' | 'problems'>,
  output: Output,
): void {
  if (process.env['GITHUB_ACTIONS'] !== 'true') return;
  const known = new Map(plugins.map((each) => [each.id, each]));
  const folderOf = ({ plugin = '', file = '' }: Warning): string | undefined => {
    const { folder, folders = [] } = known.get(plugin) ?? {};
    return folders.find((each) => existsSync(resolve(each, file))) ?? folder;
  };
  for (const warning of warnings) {
    const level = isDoubtful(warning) ? 'error' : 'warning';
    output.print(annotate(level, warning, folderOf(warning)));
  }
  for (const problem of problems) output.print(annotate('error', problem, folderOf(problem)));
}

/** https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message */
function annotate(
  level: 'error' | 'warning',
  { code, message, file, line, column, hint = '' }: Warning | Problem,
  folder: string | undefined,
): string {
  const place =
    file === undefined || folder === undefined
      ? {}
      : { file: fromWorkspace(resolve(folder, file)), line, col: column };
  const properties = Object.entries({ ...place, title: code ?? 'slipway' });
  const list = properties
    .flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${escapeProperty(String(value))}`],
    )
    .join(',');
  return `::${level} ${list}::${escapeData(`${message}\n${hint}`.trim())}`;
}

function fromWorkspace(path: string): string {
  return relative(process.env['GITHUB_WORKSPACE'] ?? process.cwd(), path);
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
