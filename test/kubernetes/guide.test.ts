import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { exampleFolder, findObject, guide, manifestTexts } from './manifests.ts';

const trimLines = (text: string): string => text.replaceAll(/^ +/gm, '');

it('the guide shows the manifests that are not explained elsewhere, whole or in part', () => {
  const pattern =
    /<!-- (program|part of): docs\/examples\/kubernetes\/(\S+) -->\s*```\w+\n([^]*?)```/g;
  const shown = new Map(
    [...guide.matchAll(pattern)].map(([, kind, file = '', text = '']) => {
      const whole = readFileSync(join(exampleFolder, file), 'utf8');
      // The formatter moves a part to the left.
      expect(trimLines(whole)).toContain(trimLines(text));
      return [file, kind === 'program' && text === whole ? 'whole' : 'part'];
    }),
  );
  expect(Object.fromEntries(shown)).toEqual({
    'migrate-job.yaml': 'whole',
    'deployment.yaml': 'whole',
    'disruption-budget.yaml': 'whole',
    'without-job.yaml': 'part',
    'roles.sql': 'whole',
    Dockerfile: 'whole',
    'next/migrations/guestbook/0001_author.sql': 'whole',
    'src/main.ts': 'whole',
    'src/backend.ts': 'whole',
  });
});

it('every file that its commands name is there', () => {
  const files = [...guide.matchAll(/-f (\S+)/g)].map(([, file]) => file);
  expect(files).toHaveLength(4);
  for (const file of files) expect([...manifestTexts.keys()]).toContain(file);
  const name = findObject('migrate-job.yaml', 'Job').metadata?.name;
  expect(guide).toContain(`job/${name}`);
});

it('its table of exit codes has those of slipway migrate', () => {
  const section = guide.slice(guide.indexOf('## The migrate Job'), guide.indexOf('## The backend'));
  const codes = [...section.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
  // 3 is for commands that check, and 130 for a terminal.
  const others = Object.keys(exitCodes)
    .map(Number)
    .filter((code) => code !== 3 && code !== 130);
  expect(codes).toEqual(others);
});

it('its sum of the way down is that of the manifest', () => {
  const pod = findObject('deployment.yaml', 'Deployment').spec?.template.spec;
  const [backend] = pod?.containers ?? [];
  const rows = new Map(
    [
      ...guide.matchAll(
        /^\| (`preStop`|`termination\w+`|to spare|the plugins stop).*\| ([^|]+?) +\|$/gm,
      ),
    ].map(([, step = '', time = '']) => [step, time]),
  );
  const total = backend?.env?.find(({ name }) => name === 'SHUTDOWN_TIME')?.value;
  expect(Object.fromEntries(rows)).toEqual({
    '`preStop`': `${backend?.lifecycle?.preStop?.sleep?.seconds} s`,
    'the plugins stop': `the rest of ${total?.replace('s', ' s')}`,
    'to spare': '5 s',
    '`terminationGracePeriodSeconds`': `${pod?.terminationGracePeriodSeconds} s`,
  });
});
