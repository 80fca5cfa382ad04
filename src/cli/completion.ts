import type { Command, Option } from './command.ts';
import { commands, commonOptions, findCommand } from './command-table.ts';

/**
 * Lists what may stand in the place of the last word, one a line with its description behind a tab; the last line is `:4`, or
 * `:0` where the shell completes the names of files. It is the protocol of cobra, which @bomb.sh/tab speaks as well.
 */
export function listCompletions(words: readonly string[]): string {
  const found = complete(words);
  const lines = found.map(([value, does]) => `${value}\t${does}\n`);
  return `${lines.join('')}:${found.length === 0 ? filesToo : noFiles}\n`;
}

const [filesToo, noFiles] = [0, 4];

type Completion = readonly [value: string, does: string];

function complete(words: readonly string[]): readonly Completion[] {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const name = [2, 1].map((n) => before.slice(0, n).join(' ')).find((each) => findCommand(each));
  const command = name === undefined ? undefined : findCommand(name);
  if (!command || name === undefined) return completeName(before, last);
  const given = before.slice(name.split(' ').length);
  const options: Readonly<Record<string, Option>> = { ...command.options, ...commonOptions };
  const previous = given.at(-1) ?? '';
  const open = previous.startsWith('--') ? options[previous.slice(2)] : undefined;
  if (open && open.type !== 'flag') return toCompletions(open.choices, last);
  if (last.startsWith('-')) {
    return Object.entries(options)
      .map(([option, { summary }]): Completion => [`--${option}`, summary])
      .filter(([option]) => option.startsWith(last));
  }
  return completeArgument(command, given, last);
}

function completeName(before: readonly string[], last: string): readonly Completion[] {
  const start = before.map((word) => `${word} `).join('');
  const found = Object.entries<Command>(commands).filter(([name]) => name.startsWith(start + last));
  // Of a command of two words, one word at a time.
  return [
    ...new Map(
      found.map(([name, { summary }]) => [
        name.slice(start.length).split(' ', 1)[0] ?? '',
        summary,
      ]),
    ),
  ];
}

function completeArgument(
  command: Command,
  given: readonly string[],
  last: string,
): readonly Completion[] {
  const place = given.filter((word) => !word.startsWith('-')).length;
  return toCompletions(Object.values(command.arguments)[place]?.choices, last);
}

function toCompletions(choices: readonly string[] = [], last: string): readonly Completion[] {
  return choices.filter((each) => each.startsWith(last)).map((each) => [each, '']);
}

/** Each calls `slipway complete --` with the words of the line. */
export const completionScripts = {
  bash: `# Completion of slipway for bash.
_slipway_complete() {
  local lines line last
  last="\${COMP_WORDS[COMP_CWORD]}"
  mapfile -t lines < <(slipway complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=()
  for line in "\${lines[@]}"; do
    if [[ "$line" == ":0" ]]; then
      mapfile -t COMPREPLY < <(compgen -f -- "$last")
    elif [[ "$line" != :* ]]; then
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done
}
complete -o filenames -F _slipway_complete slipway
`,
  zsh: `# Completion of slipway for zsh.
_slipway() {
  local -a found
  local line value files
  while IFS= read -r line; do
    if [[ "$line" == ":0" ]]; then
      files=1
    elif [[ "$line" != :* ]]; then
      value="\${line%%$'\\t'*}"
      found+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done < <(slipway complete -- "\${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)
  (( \${#found} )) && _describe slipway found
  [[ -n "$files" ]] && _files
}
compdef _slipway slipway
`,
  fish: `# Completion of slipway for fish.
function __slipway_complete
  set -l words (commandline -opc)[2..] (commandline -ct)
  slipway complete -- $words 2>/dev/null | string match -v -r '^:'
end
complete -c slipway -f -a '(__slipway_complete)'
complete -c slipway -n 'test (count (__slipway_complete)) -eq 0' -F
`,
  // The words go as an array, because npm's shim is a script: it would not get a bare --. Without a result, files are completed.
  powershell: `# Completion of slipway for PowerShell.
Register-ArgumentCompleter -Native -CommandName slipway -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
    ForEach-Object { if ($_.Value -is [string]) { $_.Value } else { $_.Extent.Text } })
  $last = "$wordToComplete"
  # Before 7.3 an empty word has to be written out.
  if ($last -eq '' -and $PSNativeCommandArgumentPassing -notin 'Standard', 'Windows') { $last = '""' }
  $call = @('complete', '--') + $words + $last
  & slipway @call 2>$null | Where-Object { $_ -notlike ':*' } | ForEach-Object {
    $value, $does = $_ -split "\\t", 2
    if (-not $does) { $does = $value }
    [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $does)
  }
}
`,
} as const;
