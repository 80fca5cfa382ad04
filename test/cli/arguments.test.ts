import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/command-table.ts';
import { completionScripts, listCompletions } from '../../src/cli/completion.ts';
import { UsageError } from '../../src/cli/exit-codes.ts';
import { writeCommandHelp, writeProgramHelp } from '../../src/cli/help.ts';
import { parseArguments } from '../../src/cli/parse-arguments.ts';

const names = Object.keys(commands);

function refusal(...given: readonly string[]): string {
  try {
    parseArguments(given);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error('It was accepted');
}

describe('the arguments', () => {
  it('may come in any order behind the command', () => {
    const call = parseArguments(['why', '--json', 'billing', '--at=3s', 'boot.jsonl']);
    expect(call).toMatchObject({
      kind: 'run',
      name: 'why',
      input: {
        arguments: { plugin: 'billing', recording: 'boot.jsonl' },
        options: { json: true, md: false, at: '3s' },
      },
    });
  });

  it('may name an option several times when it is a list', () => {
    const call = parseArguments(['what-if', 'b', '--without', 'a', '--without', 'b.init']);
    expect(call).toMatchObject({ input: { options: { without: ['a', 'b.init'] } } });
  });

  it('may leave out the port of the inspector', () => {
    for (const given of [['--inspect'], ['--inspect', '--json']]) {
      expect(parseArguments(['start', ...given])).toMatchObject({
        input: { options: { inspect: '0' } },
      });
    }
    expect(parseArguments(['start', '--inspect', '4477'])).toMatchObject({
      input: { options: { inspect: '4477' } },
    });
  });

  it.each([
    [['plam'], 'There is no command "plam". Did you mean "plan"?'],
    [['plan', '--chekc'], 'plan has no option "--chekc". Did you mean "--check"?'],
    [['plan', '--check=yes'], '--check takes no value.'],
    [['plan', 'more'], 'plan takes no argument "more".'],
    [['plan', '--config'], '--config needs a value: --config <path>.'],
    [['blame'], 'blame needs <recording>.'],
    [['export', 'b', '--to', 'svgg'], 'Did you mean "svg"?'],
    [
      ['complete', 'zhs'],
      '<shell> is one of bash, zsh, fish, powershell, and not "zhs". Did you mean "zsh"?',
    ],
    [['--json'], 'The command comes first.'],
    [['help', 'nothing'], 'There is no command "nothing".'],
  ])('%j are refused, with what may be meant', (given, text) => {
    expect(refusal(...given)).toContain(text);
  });

  it('of a refusal come with how to call the command', () => {
    expect(refusal('why', 'billing')).toContain(
      '\n\nUsage: slipway why <plugin> <recording> [options]',
    );
  });
});

describe('the help', () => {
  it.each(['', ...names])(
    'of "%s" fits into every width, and leaves no space at the end',
    (name) => {
      for (const width of [60, 80, 200]) {
        const help = name === '' ? writeProgramHelp('1.0.0', width) : writeCommandHelp(name, width);
        // An example is one line, so that it can be copied.
        const lines = help.split('\n').filter((line) => !line.startsWith('  slipway '));
        expect(lines.filter((line) => line.length > width)).toEqual([]);
        expect(lines.filter((line) => line.endsWith(' '))).toEqual([]);
      }
    },
  );

  it('names every command', () => {
    const help = writeProgramHelp('1.0.0', 100);
    expect(names.filter((name) => !help.includes(`\n  ${name} `))).toEqual([]);
  });

  it('has examples that the program accepts', () => {
    for (const { examples } of Object.values(commands)) {
      for (const [example] of examples) {
        const [call = ''] = example.split(/ [>|]/, 1);
        expect(() => parseArguments(call.replaceAll('"', '').split(' '))).not.toThrow();
      }
    }
  });
});

describe('the completion', () => {
  it('offers commands, options, values, and files where a path stands', () => {
    expect(listCompletions(['pl'])).toBe(`plan\t${commands.plan.summary}\n:4\n`);
    expect(listCompletions(['plan', '--sq'])).toBe(
      `--sql\t${commands.plan.options.sql.summary}\n:4\n`,
    );
    expect(listCompletions(['export', 'boot.jsonl', '--to', 'mer'])).toBe(
      'mermaid\t\nmermaid-graph\t\n:4\n',
    );
    expect(listCompletions(['complete', ''])).toBe('bash\t\nzsh\t\nfish\t\npowershell\t\n:4\n');
    expect(listCompletions(['blame', ''])).toBe(':0\n');
    expect(listCompletions(['plan', '--config', ''])).toBe(':0\n');
  });

  it('has a script for each shell that the table names, which asks the program', () => {
    const scripts: Readonly<Record<string, string>> = completionScripts;
    expect(Object.keys(scripts)).toEqual(commands.complete.arguments.shell.choices);
    for (const script of Object.values(scripts)) {
      expect(script).toMatch(/^# Completion of slipway for \w+\.\n/);
      expect(script).toMatch(/slipway complete -- |\('complete', '--'\)/);
    }
  });
});
