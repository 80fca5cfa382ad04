import type { Entry, Member, PublicName } from './public-api.ts';

/** What each entry is for, in the order of the list. */
const purposes: Readonly<Record<string, string>> = {
  slipway: 'plugins, the boot, plans, repairs, the doctor',
  'slipway/testing': 'databases, recorders, clocks and faults for tests',
  'slipway/http': 'probes, the gate, the way down of a server',
  'slipway/drizzle': "a plugin's schema as a Drizzle database",
  'slipway/insight': 'questions about a boot, while it runs and from its recording',
  'slipway/inspector': 'the page that shows a boot',
  'slipway/otel': 'spans and metrics of OpenTelemetry',
  'slipway/machines': 'the state machines of a boot, for those who draw or simulate them',
  'slipway/checkstack': 'the forms of plugins that Checkstack has',
};

/** Tables that have a page of their own. */
const elsewhere: Readonly<Record<string, string>> = {
  BootEvents: '[Events](../events.md) has each event with its fields.',
  errorCodes: '[Error codes](../errors.md) has each code with what to do.',
  httpCodes: '[HTTP](../../http.md) has each code.',
  doctorChecks: '[Doctor](../../doctor.md) has each check.',
  findingMeanings: '[Questions about a boot](../../insight.md) has each finding.',
};

/** Writes a page for each entry, and one that lists them, by their place in docs/reference. */
export function writeApiPages(entries: readonly Entry[]): Readonly<Record<string, string>> {
  const sorted = Object.keys(purposes).map((name) => findEntry(entries, name));
  if (sorted.length !== entries.length) throw new Error('An entry has no purpose');
  const homes = findHomes(sorted);
  return {
    'api/index.md': writeIndex(sorted),
    ...Object.fromEntries(
      sorted.map((entry) => [`api/${fileOf(entry.name)}`, writeEntry(entry, homes)]),
    ),
  };
}

function findEntry(entries: readonly Entry[], name: string): Entry {
  const entry = entries.find((each) => each.name === name);
  if (!entry) throw new Error(`The package has no entry ${name}`);
  return entry;
}

/** The entry in which each declaration is described: the first of those that export it. */
function findHomes(entries: readonly Entry[]): ReadonlyMap<string, Entry> {
  const homes = new Map<string, Entry>();
  for (const entry of entries) {
    for (const { declaredAs } of entry.names) {
      if (!homes.has(declaredAs)) homes.set(declaredAs, entry);
    }
  }
  return homes;
}

const fileOf = (name: string): string => `${name.replace('slipway/', '')}.md`;

function writeIndex(entries: readonly Entry[]): string {
  const rows = entries.map((entry) => {
    const functions = entry.names.filter(({ kind }) => kind === 'function');
    const names = functions.map(({ name }) => `\`${name}\``).join(', ');
    return `## [\`${entry.name}\`](${fileOf(entry.name)})\n\nFor ${purposes[entry.name]}: ${names}.`;
  });
  return `# The names of the package

${madeFrom}
Every name that the package exports, by the entry it is imported from. [Options](../options.md) lists the options alone, with
their defaults.

${rows.join('\n\n')}
`;
}

const madeFrom = '<!-- Made from the docstrings in src and machines by `npm run docs`. -->\n';

function writeEntry({ name: entry, names }: Entry, homes: ReadonlyMap<string, Entry>): string {
  const isAtHome = ({ declaredAs }: PublicName): boolean => homes.get(declaredAs)?.name === entry;
  const own = names.filter(isAtHome);
  const guests = names.filter((each) => !isAtHome(each));
  const part = (title: string, ...kinds: readonly PublicName['kind'][]): string => {
    const wanted = own.filter(({ kind }) => kinds.includes(kind)).toSorted(byName);
    return wanted.length === 0 ? '' : [`## ${title}`, ...wanted.map(writeName)].join('\n\n');
  };
  return `${[
    `# ${entry}`,
    madeFrom.trim(),
    `For ${purposes[entry]}.`,
    part('Functions', 'function'),
    part('Classes', 'class'),
    part('Values', 'value'),
    part('Types', 'type'),
    guests.length === 0 ? '' : '## Also here',
    guests.map((guest) => writeGuest(guest, homes)).join('\n'),
  ]
    .filter(Boolean)
    .join('\n\n')}\n`;
}

function writeGuest({ name, declaredAs }: PublicName, homes: ReadonlyMap<string, Entry>): string {
  const home = homes.get(declaredAs)?.name ?? '';
  const declared = declaredAs.replace(/.*#/, '');
  return `- \`${name}\`: [\`${declared}\` of ${home}](${fileOf(home)}#${declared.toLowerCase()})`;
}

function writeName(each: PublicName): string {
  const page = elsewhere[each.name];
  return [
    `### ${each.name}`,
    page === undefined && each.code ? fence(each.code) : '',
    paragraph(each.text),
    page ?? writeMembers(each),
    ...each.throws.map((thrown) => `Throws ${sentence(thrown)}`),
    ...each.examples.map(fence),
  ]
    .filter(Boolean)
    .join('\n\n');
}

function writeMembers({ name, kind, members }: PublicName): string {
  if (members.length === 0) return '';
  if (kind !== 'function') return members.map(writeMember).join('\n');
  return `[Options](../options.md#${name.toLowerCase()}) has what it takes.`;
}

/** One line of a list: `- \`name?\`: \`type\`. What it is. Default: …`. */
export function writeMember({ name, isOptional, type, text, default: without }: Member): string {
  const mark = isOptional ? '?' : '';
  const parts = [
    `\`${name}${mark}\`: ${inline(type)}.`,
    paragraph(text).replaceAll(/\n+/g, ' '),
    without === undefined ? '' : `Default: ${defaultText(without)}.`,
  ];
  return `- ${parts.filter(Boolean).join(' ')}`;
}

/** The text of `@default` for people: a value of code as code, and words as they are. */
function defaultText(text: string): string {
  return /^(?:'[^']*'|\[.*\]|\{.*\}|[\d_]+|true|false)$/.test(text) ? `\`${text}\`` : text;
}

/** A type in one line. */
function inline(type: string): string {
  const line = type.replaceAll(/\/\*\*[^]*?\*\//g, '').replaceAll(/\s+/g, ' ');
  return line.includes('`') ? `\`\` ${line} \`\`` : `\`${line}\``;
}

/** A docstring as a paragraph. It ends with a full stop. */
function paragraph(text: string): string {
  return text === '' || /[.:?!)`]$/.test(text) ? text : `${text}.`;
}

const sentence = (text: string): string => paragraph(text.replaceAll(/\s+/g, ' '));

const fence = (code: string): string => `\`\`\`ts\n${code.trim()}\n\`\`\``;

function byName(a: PublicName, b: PublicName): number {
  return a.name < b.name ? -1 : 1;
}
