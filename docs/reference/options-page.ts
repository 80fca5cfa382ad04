import { writeMember } from './api-pages.ts';
import type { Entry, Member, PublicName } from './public-api.ts';

/** An object of options, and what it is given to. */
interface Options {
  readonly title: string;
  readonly entry: string;
  readonly members: readonly Member[];
}

/** The calls whose options no parameter of a function names, and the first ones of the page. */
const calls: Readonly<Record<string, string>> = {
  BootOptions: 'createBoot',
  definePlugin: 'definePlugin',
  RemoveOptions: 'boot.remove',
  RunOnceOptions: 'advisoryLock.runOnce',
  InspectOptions: 'boot.inspect',
  RepairOptions: 'repair.markApplied',
  BaselineOptions: 'repair.baseline',
  AcceptEditedOptions: 'repair.acceptEdited',
  ForgetOptions: 'repair.forget',
  RelocateOptions: 'repair.relocate',
  HolderOptions: 'repair.holder',
};

/** Writes docs/reference/options.md: everything that can be set, with its default. */
export function writeOptionsPage(entries: readonly Entry[]): string {
  const sections = listOptions(entries).map(
    ({ title, entry, members }) =>
      `## ${title}\n\nFrom \`${entry}\`.\n\n${listMembers(members).join('\n')}`,
  );
  return `# Options

<!-- Made from the docstrings in src by \`npm run docs\`. -->

Everything that can be set, by the call that takes it. A \`?\` marks what may be left out. A duration is a number of milliseconds,
or a text such as \`'500ms'\`, \`'5s'\`, \`'10m'\`, \`'1h'\`. What is not in a list is refused by name, with the nearest name
that there is.

${sections.join('\n\n')}
`;
}

function listOptions(entries: readonly Entry[]): readonly Options[] {
  const functions = entries.flatMap(({ names }) => names.filter(({ kind }) => kind === 'function'));
  const seen = new Set<string>();
  const found = entries.flatMap(({ name: entry, names }) =>
    names.flatMap((each) => {
      const taker = calls[each.name] ?? findTaker(each, functions);
      if (taker === undefined || each.members.length === 0 || seen.has(each.declaredAs)) return [];
      seen.add(each.declaredAs);
      return { title: taker, entry, members: each.members };
    }),
  );
  const order = Object.values(calls);
  const place = ({ title }: Options): number => order.indexOf(title) + 1 || order.length + 1;
  return found.toSorted((a, b) => place(a) - place(b));
}

/** The function that has the options as a parameter, or that makes something of a definition. */
function findTaker(
  { name, kind }: PublicName,
  functions: readonly PublicName[],
): string | undefined {
  if (kind === 'function') return name;
  if (!name.endsWith('Options')) return undefined;
  const parameter = new RegExp(`: ${name}\\b`);
  return functions.find(({ code }) => parameter.test(code))?.name;
}

/** The options of a group come after it, with its name before theirs: `migrations.mode`. */
function listMembers(members: readonly Member[], group = ''): readonly string[] {
  return members.flatMap((member) => {
    const name = group + member.name;
    return [writeMember({ ...member, name }), ...listMembers(member.members, `${name}.`)];
  });
}
