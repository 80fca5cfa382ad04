import { listNames, shorten } from '../../../core/printable.ts';
import { isSql } from '../../../postgres/sources/migration.ts';
import { findExtensionCommands } from '../../../postgres/sql/extension-commands.ts';
import { quoteIdentifier } from '../../../postgres/sql/identifier.ts';
import { answer, unknown, type Check } from './check-table.ts';
import type { Gathered } from './gather.ts';
import {
  findingsFor,
  joinHints,
  judgeSurveyed,
  listMessages,
  mostListed,
  noPlugins,
  plural,
} from './survey-findings.ts';

export function judgeStranded(gathered: Gathered): Check {
  const nothing = 'No object of a plugin is stranded in public';
  const found = judgeSurveyed('stranded-objects', gathered, () => nothing);
  if (found.status === 'ok' || found.status === 'unknown') return found;
  const ids = findingsFor('stranded-objects', gathered);
  const plugins = [...ids.problems, ...ids.warnings].flatMap(({ plugin }) => plugin ?? []);
  const [first = ''] = plugins;
  return { ...found, remedy: `${found.remedy ?? ''} (slipway repair relocate ${first})`.trim() };
}

export function judgeExtensions(gathered: Gathered): Check {
  const { survey, facts, migrations, plugins } = gathered;
  if ('because' in survey) return unknown('extensions', survey.because);
  if ('because' in facts) return unknown('extensions', facts.because);
  const { problems, warnings } = findingsFor('extensions', gathered);
  const named = new Set(
    migrations.flatMap(({ files }) =>
      files.filter(isSql).flatMap(({ sql }) => findExtensionCommands(sql).map(({ name }) => name)),
    ),
  );
  const places = new Map(facts.value.extensions.map(({ name, schema }) => [name, schema]));
  const list = [...named].toSorted().map((name) => {
    const schema = places.get(name);
    return schema === undefined ? `${name} is not installed` : `${name} in ${schema}`;
  });
  const isPublicOnPath = survey.value.schemasOnPath.includes('public');
  const inPublic = isPublicOnPath ? [] : [...named].filter((name) => places.get(name) === 'public');
  const evidence = {
    extensions: list,
    schemasOnPath: survey.value.schemasOnPath,
    problems: listMessages(problems),
    warnings: listMessages(warnings),
  };
  if (problems.length > 0) {
    const found = shorten(listMessages(problems), 3).join('; ');
    return answer('extensions', {
      status: 'problem',
      found,
      evidence,
      remedy: joinHints(problems),
    });
  }
  if (plugins.problems.length > 0) return unknown('extensions', noPlugins);
  if (warnings.length + inPublic.length > 0) {
    const found =
      inPublic.length > 0
        ? `In public, where plugins do not see them: ${listNames(inPublic.toSorted())}`
        : shorten(listMessages(warnings), 3).join('; ');
    const remedy = `List public in migrations.extensionSchemas, or move them: ALTER EXTENSION ${quoteIdentifier(inPublic[0] ?? '…')} SET SCHEMA extensions;`;
    return answer('extensions', { status: 'warning', found, evidence, remedy });
  }
  const found = list.length === 0 ? 'No file makes an extension' : list.join(', ');
  return answer('extensions', { status: 'ok', found, evidence });
}

export function judgeOrphans({ facts, plugins, settings }: Gathered): Check {
  const id = 'orphaned-schemas';
  if ('because' in facts) return unknown(id, facts.because);
  if (plugins.problems.length > 0) return unknown(id, noPlugins);
  const { unknownSchemas } = facts.value;
  const { schemaPrefix } = settings.migrations;
  const list = unknownSchemas.map(
    ({ name, tables, hasHistory }) =>
      `${quoteIdentifier(name)} (${plural(tables, 'table')}${hasHistory ? '' : ', no history'})`,
  );
  const evidence = { schemaPrefix, schemas: shorten(list, mostListed) };
  if (list.length === 0) {
    const found = `Every schema that begins with ${schemaPrefix} belongs to a plugin`;
    return answer(id, { status: 'ok', found, evidence });
  }
  const found = `No plugin has the id of ${listNames(list)}`;
  const remedy =
    'List the former id in previousIds of a renamed plugin. Drop the schema of one that is gone for good, after a backup. Another host on this database needs another migrations.schemaPrefix.';
  return answer(id, { status: 'warning', found, evidence, remedy });
}

export function judgeIndexes({ facts, plugins }: Gathered): Check {
  const id = 'invalid-indexes';
  if ('because' in facts) return unknown(id, facts.because);
  if (plugins.problems.length > 0) return unknown(id, noPlugins);
  const { invalidIndexes } = facts.value;
  const left = invalidIndexes.filter(({ isInWork }) => !isInWork);
  const names = (some: typeof left): readonly string[] =>
    some.map(
      ({ schema, name, table }) =>
        `${quoteIdentifier(schema)}.${quoteIdentifier(name)} on ${table}`,
    );
  const evidence = {
    indexes: shorten(names(left), mostListed),
    inWork: shorten(names(invalidIndexes.filter(({ isInWork }) => isInWork)), mostListed),
  };
  const [first] = left;
  if (!first) {
    const { length } = invalidIndexes;
    const found =
      length === 0 ? 'No index is invalid' : `${plural(length, 'index', 'indexes')} may be in work`;
    return answer(id, { status: 'ok', found, evidence });
  }
  const found = `INVALID: ${listNames(names(left))}`;
  const remedy = `REINDEX INDEX CONCURRENTLY ${quoteIdentifier(first.schema)}.${quoteIdentifier(first.name)}; while its migration is pending, the next boot does it.`;
  const status = left.some(({ isUnique }) => isUnique) ? 'problem' : 'warning';
  return answer(id, { status, found, evidence, remedy });
}
