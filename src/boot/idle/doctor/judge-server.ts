import { formatDuration } from '../../../core/duration.ts';
import { answer, unknown, type Check } from './check-table.ts';
import type { Gathered } from './gather.ts';

const tested = { oldest: 14, newest: 18 };

export function judgeServerVersion({ facts, survey }: Gathered): Check {
  if ('because' in facts) return unknown('server-version', facts.because);
  const major = Math.floor(facts.value.versionNumber / 10_000);
  const version = 'value' in survey ? survey.value.server : String(major);
  const evidence = { version, major, tested: `${tested.oldest} to ${tested.newest}` };
  const found = `PostgreSQL ${version}; Slipway is tested on ${evidence.tested}`;
  if (major < tested.oldest) {
    const remedy = `Upgrade PostgreSQL to ${tested.oldest} or newer.`;
    return answer('server-version', { status: 'problem', found, evidence, remedy });
  }
  if (major > tested.newest) {
    const remedy = 'Look for a release of Slipway that is tested on this version.';
    return answer('server-version', { status: 'warning', found, evidence, remedy });
  }
  return answer('server-version', { status: 'ok', found, evidence });
}

export function judgePackages({ packages }: Gathered): Check {
  const evidence = Object.fromEntries(
    packages.flatMap(({ name, own, host }) => [
      [name, own ? `${own.version} in ${own.folder}` : 'missing'],
      ...(host && host.folder !== own?.folder
        ? [[`${name} of the host`, `${host.version} in ${host.folder}`]]
        : []),
    ]),
  ) as Record<string, string>;
  const found = packages
    .map(({ name, own, host }) => {
      const other = host && host.folder !== own?.folder ? `, and ${host.version} for the host` : '';
      return `${name} ${own?.version ?? 'is missing'}${other}`;
    })
    .join('; ');
  const wrong = packages.filter(({ isSupported }) => !isSupported);
  if (wrong.length > 0) {
    const remedy = wrong.map(({ name, supported }) => `Install ${name} ${supported}.`).join(' ');
    return answer('packages', { status: 'problem', found, evidence, remedy });
  }
  if (packages.some(({ own, host }) => host && host.folder !== own?.folder)) {
    const remedy = 'Install one copy of each: npm ls pg drizzle-orm shows who needs another one.';
    return answer('packages', { status: 'warning', found, evidence, remedy });
  }
  return answer('packages', { status: 'ok', found, evidence });
}

/** Shorter limits are worth a line, in ms. */
const shortMs = 1_000;

export function judgeTimeLimits({ facts }: Gathered): Check {
  const id = 'time-limits';
  if ('because' in facts) return unknown(id, facts.because);
  const { limits } = facts.value;
  const evidence = Object.fromEntries(
    limits.map(({ name, ms, source }) => [name, `${formatDuration(ms)} (${source})`]),
  );
  const list = Object.entries(evidence).map(([name, value]) => `${name} ${value}`);
  const short = limits.filter(({ ms }) => ms < shortMs);
  if (short.length > 0) {
    const remedy = short.map(({ name }) => `Raise ${name} for the role.`).join(' ');
    return answer(id, { status: 'warning', found: list.join(', '), evidence, remedy });
  }
  const found =
    list.length === 0
      ? 'Role, database and pool set no time limit'
      : `${list.join(', ')}: migrations run without them`;
  return answer(id, { status: 'ok', found, evidence });
}
