import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findProgram } from '../support/find-program.ts';
import { packageRoot, requireBuiltPackage } from '../support/built-package.ts';
import { runCli } from './cli-process.ts';

const run = promisify(execFile);

/** The built program without any other package: an import of one fails. */
async function aloneInFolder(): Promise<string> {
  requireBuiltPackage();
  const folder = await mkdtemp(join(tmpdir(), 'slipway-alone-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(join(packageRoot, 'dist/src'), join(folder, 'dist/src'), { recursive: true });
  await cp(join(packageRoot, 'package.json'), join(folder, 'package.json'));
  return join(folder, 'dist/src/cli/main.js');
}

describe('the program', () => {
  it('answers --help, --version, a typing error and Tab without the import of any package', async () => {
    const program = await aloneInFolder();
    const { stdout } = await run(process.execPath, [program, '--help']);
    expect(stdout).toContain('Usage: slipway <command> [options]');
    const help = await run(process.execPath, [program, 'plan', '--help']);
    expect(help.stdout).toContain('Usage: slipway plan [options]');
    const version = await run(process.execPath, [program, '--version']);
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const tab = await run(process.execPath, [program, 'complete', '--', 'pl']);
    expect(tab.stdout).toMatch(/^plan\t/);
    await expect(run(process.execPath, [program, 'paln'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean "plan"?') as string,
    });
  });
});

// Few machines of a CI have it: then only the text is looked at.
const powershell = await findProgram({
  names: ['pwsh'],
  tests: 'the completion of PowerShell',
}).catch(() => undefined);

describe('the completion of PowerShell', () => {
  it('is balanced, and keeps the variables of PowerShell', async () => {
    const { stdout: script } = await runCli(['complete', 'powershell']);
    for (const [open, close] of ['{}', '()', '[]'] as const) {
      expect(script.split(open ?? '').length, open).toBe(script.split(close ?? '').length);
    }
    expect(script).toMatch(
      /^Register-ArgumentCompleter -Native -CommandName slipway -ScriptBlock \{\n {2}param\(\$wordToComplete, \$commandAst, \$cursorPosition\)\n[^]*\n\}\n$/m,
    );
    expect(script).toContain('& slipway @call 2>$null');
    expect(script).toContain('-split "\\t", 2');
  });

  it.skipIf(powershell === undefined)('completes a command, an option and a value', async () => {
    const { stdout: script } = await runCli(['complete', 'powershell']);
    const program = join(packageRoot, 'dist/src/cli/main.js');
    const lines = ['slipway cri', 'slipway plan --ch', 'slipway export boot.jsonl --to mer'];
    const tries = lines.map(
      (line) =>
        `([System.Management.Automation.CommandCompletion]::CompleteInput('${line}', ${line.length}, $null)).CompletionMatches.CompletionText -join ' '`,
    );
    const { stdout } = await run(powershell ?? '', [
      '-NoProfile',
      '-Command',
      `function slipway { & '${process.execPath}' '${program}' @args }\n${script}\n${tries.join('\n')}`,
    ]);
    expect(stdout.trim().split(/\r?\n/)).toEqual([
      'critical-chain',
      '--check',
      'mermaid mermaid-graph',
    ]);
  });
});

describe('the completion of bash', () => {
  it('completes a command, an option and a value', async () => {
    const { stdout: script } = await runCli(['complete', 'bash']);
    const folder = await mkdtemp(join(tmpdir(), 'slipway-bash-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const program = join(packageRoot, 'dist/src/cli/main.js');
    await writeFile(
      join(folder, 'try.bash'),
      `slipway() { '${process.execPath}' '${program}' "$@"; }
${script}
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _slipway_complete; echo "\${COMPREPLY[*]}"; }
try slipway cri
try slipway plan --ch
try slipway export boot.jsonl --to mer
`,
    );
    const { stdout } = await run('bash', [join(folder, 'try.bash')]);
    expect(stdout).toBe('critical-chain\n--check\nmermaid mermaid-graph\n');
  });
});
