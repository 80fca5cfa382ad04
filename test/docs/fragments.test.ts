import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { readPublicApi } from '../../docs/reference/public-api.ts';
import { repository } from '../architecture/imports.ts';
import { pages } from './pages.ts';

/** Code in TypeScript that is no program of an example: a few lines of a host. */
interface Fragment {
  /** A file that is not there, beside the tests. */
  readonly path: string;
  readonly text: string;
}

/** Code of others, and code of the rooms inside. */
const foreign = [
  "import { coreServices, createBackendPlugin } from '@checkstack/backend-api';",
  'const { discover, discovered } = discoverPhase(around',
];

/** What a fragment takes for granted, as the text around it says. */
const given = `
declare const pool: import('pg').Pool;
declare const boot: import('slipway').Boot & import('slipway/otel').TracedBoot;
declare const report: import('slipway').BootReport;
declare const repair: import('slipway').Repair;
declare const plugins: readonly import('slipway').Plugin[];
declare const reviews: import('slipway').Plugin;
declare const targets: readonly import('slipway').FleetTarget[];
declare const postgres: import('slipway/testing').PostgresServer;
declare const database: import('slipway/testing').TestDatabase;
declare const server: import('node:http').Server;
declare const logger: import('pino').Logger;
declare const bucket: { put(key: string, text: string): Promise<void> };
declare const app: import('fastify').FastifyInstance;
declare const drizzle: URL;
declare const mail: { send(text: string): void };
declare const mailer: import('slipway').ServiceRef<typeof mail>;
declare const auditFor: (plugin: string) => object;
declare const audit: import('slipway').ServiceRef<object>;
declare const routes: { routerFor(plugin: string): object };
declare const router: import('slipway').ServiceRef<object>;
declare const clockApi: import('slipway').ServiceRef<() => number>;
declare const createLibrary: (options: { pool: import('pg').Pool }) => import('slipway').Boot;
declare const fileURLToPath: typeof import('node:url').fileURLToPath;
declare const writeFile: typeof import('node:fs/promises').writeFile;
`;

const fragments = pages.flatMap((page) =>
  [...readFileSync(join(repository, page), 'utf8').matchAll(/(<!-- .*? -->\s*)?```ts\n([^]*?)```/g)]
    .filter(([, mark, text = '']) => !mark && !foreign.some((each) => text.startsWith(each)))
    .filter(() => !page.startsWith('docs/reference'))
    .map(([, , text = ''], at): Fragment => ({
      path: join(repository, 'test/docs', `${page.replaceAll(/\W/g, '-')}-${at}.ts`),
      text: `${toStatements(text.trim())}\nexport {};\n`,
    })),
);

/** A part of an object is no statement. */
function toStatements(text: string): string {
  if (text.startsWith('{')) return `void (${text});`;
  return /^\w+: /.test(text)
    ? `definePlugin({ id: 'a', ${text.replace(/[;,]$/, '')} } as never as { id: 'a' });`
    : text;
}

/** Every function and value of the package: a page imports them where it matters. */
function declareNames(): string {
  const names = new Map<string, string>();
  for (const { name: entry, names: all } of readPublicApi()) {
    if (entry === 'slipway/machines' || entry === 'slipway/checkstack') continue;
    for (const { name, kind } of all)
      if (kind !== 'type' && !names.has(name)) names.set(name, entry);
  }
  return [...names]
    .map(([name, entry]) => `declare const ${name}: typeof import('${entry}').${name};`)
    .join('\n');
}

function compile(): readonly string[] {
  const globals = join(repository, 'test/docs/fragments.d.ts');
  const texts = new Map(fragments.map(({ path, text }) => [path, text]));
  texts.set(globals, `${given}${declareNames()}`);
  const { config } = ts.readConfigFile(join(repository, 'tsconfig.json'), (path) =>
    readFileSync(path, 'utf8'),
  ) as { readonly config: { readonly compilerOptions: object } };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, repository);
  const wanted = { ...options, noEmit: true, declaration: false, noImplicitAny: false };
  const host = ts.createCompilerHost(wanted);
  const readFile = host.readFile.bind(host);
  const fileExists = host.fileExists.bind(host);
  host.readFile = (path) => texts.get(path) ?? readFile(path);
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  const program = ts.createProgram([...texts.keys()], wanted, host);
  return [...texts.keys()].flatMap((path) => {
    const source = program.getSourceFile(path);
    return ts.getPreEmitDiagnostics(program, source).map(({ file, start = 0, messageText }) => {
      const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
      const text = ts.flattenDiagnosticMessageText(messageText, ' ');
      return `${file?.fileName.replace(repository, '') ?? ''}:${line} ${text}`;
    });
  });
}

describe('the fragments in the pages', () => {
  it('are many, and compile', () => {
    expect(fragments.length).toBeGreaterThan(30);
    expect(compile()).toEqual([]);
  });
});
