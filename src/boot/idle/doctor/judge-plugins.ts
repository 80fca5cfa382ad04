import { listNames, shorten } from '../../../core/printable.ts';
import { quoteIdentifier } from '../../../postgres/sql/identifier.ts';
import { answer, unknown, type Check } from './check-table.ts';
import { listOwnSchemas, type Gathered } from './gather.ts';
import {
  findingsFor,
  joinHints,
  judgeSurveyed,
  listMessages,
  mostListed,
  noPlugins,
  plural,
} from './survey-findings.ts';

export function judgePlugins({ plugins }: Gathered): Check {
  const { sorted, disabled, problems, warnings } = plugins;
  const evidence = {
    plugins: sorted.length,
    disabled,
    problems: listMessages(problems),
    warnings: listMessages(warnings),
  };
  if (problems.length > 0) {
    const found = shorten(listMessages(problems), 3).join('; ');
    return answer('plugins', { status: 'problem', found, evidence, remedy: joinHints(problems) });
  }
  if (warnings.length > 0) {
    const found = shorten(listMessages(warnings), 3).join('; ');
    return answer('plugins', { status: 'warning', found, evidence, remedy: joinHints(warnings) });
  }
  const off = disabled.length === 0 ? '' : `, ${disabled.length} disabled`;
  return answer('plugins', {
    status: 'ok',
    found: `${plural(sorted.length, 'plugin')}${off}`,
    evidence,
  });
}

export function judgeRegistry({ plugins: { registry }, settings }: Gathered): Check {
  const id = 'registry';
  if (registry.state === 'unasked') {
    return unknown(id, 'It was not read: there is no connection, or a plugin fails.');
  }
  if (registry.state === 'refused') {
    const { message: found, hint: remedy } = registry.problem;
    return answer(id, { status: 'problem', found, remedy });
  }
  if (registry.state !== 'read') {
    const isUsed = registry.state === 'not made yet';
    const found = isUsed ? 'The first boot makes slipway.plugins' : 'The boot does not use it';
    return answer(id, { status: 'ok', found });
  }
  const { rows, missing } = registry;
  const evidence = { rows };
  const found = missing?.message ?? `slipway.plugins has ${plural(rows, 'row')}`;
  if (!missing) return answer(id, { status: 'ok', found, evidence });
  const status = settings.registry?.missing === 'error' ? 'problem' : 'warning';
  return answer(id, { status, found, evidence, remedy: missing.hint });
}

export function judgeReadOnly({ survey, settings, facts }: Gathered): Check {
  if ('because' in survey) return unknown('read-only', survey.because);
  const isReplica = 'value' in facts && facts.value.isReplica;
  const { mode } = settings.migrations;
  const { readOnly } = survey.value;
  const evidence = { readOnly, isReplica, mode };
  if (!readOnly) return answer('read-only', { status: 'ok', found: 'It takes writes', evidence });
  const found = isReplica ? 'The server is a replica' : 'The database is set read-only';
  const remedy = isReplica
    ? 'Connect to the primary server.'
    : 'Find who has set default_transaction_read_only: the role, the database or the server.';
  const status = mode === 'apply' ? 'problem' : 'warning';
  return answer('read-only', { status, found, evidence, remedy });
}

export function judgePrivileges(gathered: Gathered): Check {
  const { survey, facts, settings, plugins, migrations } = gathered;
  if ('because' in survey) return unknown('privileges', survey.because);
  const { role, canCreateSchema, schemas } = survey.value;
  const { problems } = findingsFor('privileges', gathered);
  const own = new Set(migrations.flatMap(listOwnSchemas));
  const foreign = 'value' in facts ? facts.value.foreignObjects : [];
  const lacks = [
    ...(canCreateSchema ? [] : ['CREATE on the database']),
    ...schemas
      .filter(({ name }) => own.has(name))
      .flatMap(({ name, canUse, canCreate }) => [
        ...(canUse ? [] : [`USAGE on ${quoteIdentifier(name)}`]),
        ...(canCreate ? [] : [`CREATE on ${quoteIdentifier(name)}`]),
      ]),
  ];
  const foreignNames = foreign.map(
    ({ schema, count, example }) =>
      `${plural(count, 'object')} in ${quoteIdentifier(schema)}${example === undefined ? '' : `, such as ${example}`}`,
  );
  const evidence = {
    role,
    problems: listMessages(problems),
    lacks: shorten(lacks, mostListed),
    notOwned: shorten(foreignNames, mostListed),
  };
  if (problems.length > 0) {
    const found = shorten(listMessages(problems), 3).join('; ');
    return answer('privileges', {
      status: 'problem',
      found,
      evidence,
      remedy: joinHints(problems),
    });
  }
  if (settings.migrations.mode !== 'apply') {
    const found = `The role ${role} can read every history; this process applies nothing`;
    return answer('privileges', { status: 'ok', found, evidence });
  }
  if (lacks.length + foreign.length > 0) {
    const found = [
      ...(lacks.length === 0 ? [] : [`the role ${role} lacks ${listNames(lacks)}`]),
      ...(foreign.length === 0 ? [] : [`the role ${role} does not own ${listNames(foreignNames)}`]),
    ].join('; ');
    const remedy = [
      ...(lacks.length === 0 ? [] : ['Grant it before a migration needs it.']),
      ...(foreign.length === 0
        ? []
        : [
            `REASSIGN OWNED, or ALTER … OWNER TO ${quoteIdentifier(role)}: only an owner can alter.`,
          ]),
    ].join(' ');
    return answer('privileges', { status: 'warning', found, evidence, remedy });
  }
  if (plugins.problems.length > 0) return unknown('privileges', noPlugins);
  const found = `The role ${role} can make schemas, and owns what is in those of the plugins`;
  return answer('privileges', { status: 'ok', found, evidence });
}

export function judgeHistories(gathered: Gathered): Check {
  return judgeSurveyed('histories', gathered, (count) =>
    count === 0
      ? 'No plugin has migrations'
      : `The histories of ${plural(count, 'plugin')} fit the files`,
  );
}

export function judgeMigrations(gathered: Gathered): Check {
  return judgeSurveyed('migrations', gathered, (count) =>
    count === 0
      ? 'No plugin has migrations'
      : `The files of ${plural(count, 'plugin')} can be applied`,
  );
}
