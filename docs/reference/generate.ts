/** Writes docs/reference, the pictures of the machines and the format of recordings from the code: `npm run docs`. A test fails when they are older than the code. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { errorCodes } from '../../src/core/error-codes.ts';
import { eventLevels } from '../../src/core/event-levels.ts';
import { bootEventNames, eventMeanings } from '../../src/core/event-meanings.ts';
import type { BootEventName } from '../../src/core/events.ts';
import { describeMachines } from '../../machines/describe-machines.ts';
import { writeApiPages } from './api-pages.ts';
import { doctorPage } from './doctor-page.ts';
import { drawMachine } from './machine-picture.ts';
import { writeOptionsPage } from './options-page.ts';
import { readPublicApi } from './public-api.ts';
import {
  makeDocumentSchema,
  makeRecordingSchema,
  type RecordingSchema,
  type Schema,
} from './recording-schema.ts';

const eventsFile = fileURLToPath(new URL('../../src/core/events.ts', import.meta.url));
const configFile = fileURLToPath(new URL('../../tsconfig.json', import.meta.url));
const stamp = new Set(['type', 'bootId', 'seq', 'at', 'elapsedMs']);

/** Every generated page, by its place in this folder. */
export function generatePages(): Readonly<Record<string, string>> {
  const schema = makeRecordingSchema();
  const api = readPublicApi();
  return {
    'events.md': eventsPage(),
    'errors.md': errorsPage(),
    'options.md': writeOptionsPage(api),
    ...writeApiPages(api),
    '../doctor.md': doctorPage(),
    '../recording.md': recordingPage(schema),
    '../telemetry.md': telemetryPage(),
    ...drawMachines(),
    '../../src/insight/recording.schema.json': `${JSON.stringify(schema, null, 2)}\n`,
    '../../src/cli/documents.schema.json': `${JSON.stringify(makeDocumentSchema(), null, 2)}\n`,
  };
}

/** The pictures of lifecycle.md. */
function drawMachines(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    describeMachines().map((machine) => [
      `../pictures/machine-${machine.id}.svg`,
      drawMachine(machine),
    ]),
  );
}

export const pageUrl = (name: string): URL => new URL(name, import.meta.url);

function eventsPage(): string {
  const fields = readEventFields();
  const sections = bootEventNames.map((name) => {
    const rows = (fields.get(name) ?? []).map(({ key, type }) => `- \`${key}\`: \`${type}\``);
    return [`### ${name}`, `${capital(eventMeanings[name])}.`, rows.join('\n')]
      .filter(Boolean)
      .join('\n\n');
  });
  return `${heading('Events', 'src/core/events.ts')}
The table is closed: the machines, the emitter, the log (\`event\`) and this page use these names and no others. Every event
carries \`type\`, \`bootId\` (a UUID), \`seq\` (counts from 1 without gaps), \`at\` (ms since 1970) and \`elapsedMs\` (since
\`start()\`, monotonic). Durations are in ms; a \`?\` marks what may be absent.

Every step of every plugin has exactly one \`finished\` in every boot, and a \`started\` if and only if it ran. No event of
\`plugin.init\` comes before the last one of \`plugin.migrate\`, unless it says that the step never ran.

${sections.join('\n\n')}
`;
}

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(
    ([code, { meaning, hint }]) => `### ${code}\n\n${capital(meaning)}. ${hint}`,
  );
  return `${heading('Error codes', 'src/core/error-codes.ts')}
Every error that Slipway throws is a \`BootError\` with one of these codes. \`formatBootError(error)\` prints it for people; a
hint that knows more than the one below takes its place. [When a boot fails](../operations.md) says how to find the cause.

${rows.join('\n\n')}
`;
}

/** The page is written by hand, but for the format between its marks. */
function recordingPage(schema: RecordingSchema): string {
  const page = readFileSync(pageUrl('../recording.md'), 'utf8');
  const [begin, end] = ['<!-- format: made by `npm run docs` -->', '<!-- end of the format -->'];
  const names = Object.keys(schema.$defs);
  const isLine = (name: string): boolean => /^[a-z]/.test(name);
  const header = 'RecordingHeader';
  const section = (name: string): string => {
    const { description, properties = {}, required = [] } = schema.$defs[name] ?? {};
    const rows = Object.entries(properties)
      .filter(([key]) => !isLine(name) || !['seq', 't', 'type'].includes(key))
      .map(([key, field]) => {
        const mark = required.includes(key) ? '' : '?';
        const text = field.description === undefined ? '' : `: ${field.description}`;
        return `- \`${key}${mark}\`, ${nameType(field)}${text}`;
      });
    return [`#### ${name}`, description && `${capital(description)}.`, rows.join('\n')]
      .filter(Boolean)
      .join('\n\n');
  };
  const format = [
    '### Lines',
    'A `?` marks a field that may be absent. All but the header have `seq`, `t` and `type` before their own fields.',
    section(header),
    ...names.filter(isLine).map(section),
    '### Parts of lines',
    ...names.filter((name) => !isLine(name) && name !== header).map(section),
  ];
  return page.replace(
    new RegExp(`${begin}[^]*${end}`),
    () => `${begin}\n\n${format.join('\n\n')}\n\n${end}`,
  );
}

/** The page is written by hand, but for the table of log lines. */
function telemetryPage(): string {
  const page = readFileSync(pageUrl('../telemetry.md'), 'utf8');
  const [begin, end] = [
    '<!-- log lines: made by `npm run docs` -->',
    '<!-- end of the log lines -->',
  ];
  const fields = readEventFields();
  const rows = bootEventNames.map((name) => [
    `\`${name}\``,
    describeLevels(name),
    listLogFields(name, fields.get(name) ?? []),
  ]);
  const table = drawTable([['event', 'level', 'fields'], ...rows]);
  return page.replace(new RegExp(`${begin}[^]*${end}`), () => `${begin}\n\n${table}\n\n${end}`);
}

/** `error` when the boot failed, else `info`. */
function describeLevels(name: BootEventName): string {
  const levels = eventLevels[name];
  if (typeof levels === 'string') return `\`${levels}\``;
  return levels
    .map((each) =>
      typeof each === 'string'
        ? `else \`${each}\``
        : `\`${each.level}\` when ${toWords(each.applies.name)}`,
    )
    .join(', ');
}

/** `itFailed` is `it failed`. */
function toWords(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** As the log listener names them. */
const logNames: Readonly<Record<string, string | undefined>> = {
  'error?': 'err?',
  error: 'err',
  errors: 'errs?',
  pid: undefined,
};

function listLogFields(name: BootEventName, fields: readonly Field[]): string {
  const own = fields.flatMap(({ key }) => (key in logNames ? (logNames[key] ?? []) : key));
  const isLoss = /^plugin\.(?:migrate|init|ready)\.finished$/.test(name);
  return [...own, ...(isLoss ? ['lost?'] : [])].map((key) => `\`${key}\``).join(' ');
}

/** Draws a table with columns of equal width, as the formatter wants it. */
function drawTable(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const draw = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [
    draw(head),
    draw(widths.map((width) => '-'.repeat(width))),
    ...rows.slice(1).map(draw),
  ].join('\n');
}

/** `list of LockBlocker`, for people. */
function nameType({ $ref, type, items, properties, ...schema }: Schema): string {
  if ($ref !== undefined) return $ref.replace('#/$defs/', '');
  if (type === 'array') return items ? `list of ${nameType(items)}` : 'list';
  if (properties) {
    const fields = Object.entries(properties).map(
      ([key, field]) => `\`${key}\` ${nameType(field)}`,
    );
    return `object (${fields.join(', ')})`;
  }
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(' or ');
  return type ?? 'value';
}

function heading(title: string, source: string): string {
  return `# ${title}\n\n<!-- Made from ${source} by \`npm run docs\`. -->\n`;
}

interface Field {
  readonly key: string;
  readonly type: string;
}

/** Asks the compiler what each event carries, in the order of the declaration. */
function readEventFields(): ReadonlyMap<string, readonly Field[]> {
  const { config } = ts.readConfigFile(configFile, (path) => readFileSync(path, 'utf8')) as {
    readonly config: { readonly compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, '.');
  const program = ts.createProgram([eventsFile], { ...options, types: [] });
  const checker = program.getTypeChecker();
  const table = program
    .getSourceFile(eventsFile)
    ?.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === 'BootEvents');
  if (!table) throw new Error('src/core/events.ts declares no interface BootEvents');
  const events = checker.getPropertiesOfType(checker.getTypeAtLocation(table));
  return new Map(
    events.map((event) => [
      event.name,
      checker
        .getPropertiesOfType(checker.getTypeOfSymbol(event))
        .filter(({ name }) => !stamp.has(name))
        .map((field) => ({
          key: field.flags & ts.SymbolFlags.Optional ? `${field.name}?` : field.name,
          type: readAnnotation(field),
        })),
    ]),
  );
}

/** The type of a field as it is written: `ErrorCode`, and not all of its members. */
function readAnnotation({ declarations: [field] = [] }: ts.Symbol): string {
  if (!field || !ts.isPropertySignature(field)) throw new Error('An event has properties only');
  return field.type?.getText().replaceAll(/\s+/g, ' ') ?? 'unknown';
}

function capital(text: string): string {
  return /^\w+\(/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(generatePages())) writeFileSync(pageUrl(name), text);
  const { captureCliPage } = await import('./capture-cli.ts');
  writeFileSync(pageUrl('../cli.md'), await captureCliPage());
}
