import { join } from 'node:path';
import ts from 'typescript';
import { repository } from '../architecture/imports.ts';
import type { Manifest } from './manifests.ts';

/** The files of the types, which every check reads. */
const declarations = new Map<string, ts.SourceFile | undefined>();

/**
 * Checks objects against the types that are generated from the OpenAPI document of Kubernetes: a field that its kind does not
 * have, a value of another type and a required field that is missing are errors.
 *
 * @returns One line for each error, with the file and the field.
 */
export function checkManifests(manifests: readonly Manifest[]): readonly string[] {
  const sources = new Map(
    manifests.map((manifest, index) => [
      join(repository, 'test/kubernetes', `manifest-${index}.ts`),
      { manifest, text: writeModule(manifest) },
    ]),
  );
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.CommonJS,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    ignoreDeprecations: '6.0',
    noEmit: true,
    lib: ['lib.es5.d.ts'],
    strict: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { ...disk } = host;
  host.getSourceFile = (path, ...others) => {
    if (sources.has(path)) return disk.getSourceFile(path, ...others);
    if (!declarations.has(path)) declarations.set(path, disk.getSourceFile(path, ...others));
    return declarations.get(path);
  };
  host.fileExists = (path) => sources.has(path) || disk.fileExists(path);
  host.readFile = (path) => sources.get(path)?.text ?? disk.readFile(path);
  const program = ts.createProgram([...sources.keys()], options, host);
  return [...sources].flatMap(([path, { manifest }]) => {
    const source = program.getSourceFile(path);
    return [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map(({ messageText, start = 0 }) => {
      const [line = ''] = (source?.text.slice(start) ?? '').split('\n');
      const { file, kind } = manifest;
      return `${file}, ${kind}, at ${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
  });
}

/** The compiler refuses unknown fields in a literal only, so the object is written as one. */
function writeModule({ apiVersion, kind, object }: Manifest): string {
  const [group = '', version] = apiVersion.includes('/')
    ? apiVersion.split('/')
    : ['core', apiVersion];
  const [folder] = group.split('.');
  return `import { ${kind} } from 'kubernetes-types/${folder}/${version}';
export const manifest: ${kind} = ${JSON.stringify(object, null, 2)};
`;
}
