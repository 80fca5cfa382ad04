import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Probe } from 'kubernetes-types/core/v1.js';
import { describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { checkSettings } from '../../src/core/settings.ts';
import { toMilliseconds } from '../../src/core/duration.ts';
import { packageRoot } from '../support/built-package.ts';
import { checkManifests } from './check-manifest.ts';
import {
  containersOf,
  exampleFolder,
  findObject,
  manifests,
  manifestTexts,
  parseManifest,
  podOf,
} from './manifests.ts';

const pods = manifests.flatMap((manifest) => {
  const pod = podOf(manifest);
  return pod ? [{ name: `${manifest.kind} of ${manifest.file}`, pod }] : [];
});
const containers = pods.flatMap(({ name, pod }) =>
  containersOf(pod).map((container) => ({ name: `${container.name} in ${name}`, container })),
);
const deployments = ['deployment.yaml', 'without-job.yaml'] as const;

/** The values that Kubernetes takes for these fields, whose types are plain strings. */
const knownValues: Readonly<Record<string, readonly string[]>> = {
  action: ['FailIndex', 'FailJob', 'Ignore', 'Count'],
  completionMode: ['NonIndexed', 'Indexed'],
  operator: ['In', 'NotIn'],
  restartPolicy: ['Always', 'OnFailure', 'Never'],
  terminationMessagePolicy: ['File', 'FallbackToLogsOnError'],
  unhealthyPodEvictionPolicy: ['IfHealthyBudget', 'AlwaysAllow'],
};

/** Lists every field below a value, with its key. */
function fieldsOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => [[key, each], ...fieldsOf(each)] as const);
}

describe('the manifests', () => {
  it('fit the types of Kubernetes, and have only values that it takes', () => {
    expect(checkManifests(manifests)).toEqual([]);
    for (const { file, object } of manifests) {
      for (const [key, value] of fieldsOf(object)) {
        expect(knownValues[key] ?? [value], `${key} in ${file}`).toContain(value);
      }
    }
  });

  it.each([
    ['readinessProbe:', 'readinesProbe:', `'"readinesProbe"' does not exist in type 'Container'`],
    ['replicas: 3', "replicas: '3'", `Type 'string' is not assignable to type 'number'`],
    ["value: '8080'", 'value: 8080', `Type 'number' is not assignable to type 'string'`],
    [/^  selector:\n.*\n.*\n/m, '', `Property 'selector' is missing`],
    ['kind: Deployment', 'kind: Deploymnt', `no exported member named 'Deploymnt'`],
  ])('would not fit with %s written as %s', (found, written, error) => {
    const text = manifestTexts.get('deployment.yaml') ?? '';
    const broken = text.replace(found, written);
    expect(broken).not.toBe(text);
    expect(checkManifests(parseManifest('broken.yaml', broken)).join('\n')).toContain(error);
  });

  it('name only Secrets, ports and labels that are there', () => {
    const secrets = manifests.flatMap(({ kind, object }) => (kind === 'Secret' ? [object] : []));
    const keys = (secrets as readonly ReturnType<typeof findObject<'Secret'>>[]).flatMap(
      ({ metadata, stringData = {} }) =>
        Object.keys(stringData).map((key) => `${metadata?.name}/${key}`),
    );
    for (const { container, name } of containers) {
      const refs = container.env?.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []) ?? [];
      for (const ref of refs) expect(keys, name).toContain(`${ref.name}/${ref.key}`);
      const ports = container.ports?.map((port) => port.name) ?? [];
      for (const probe of probesOf(container)) expect(ports, name).toContain(probe.httpGet?.port);
    }
    const service = findObject('service.yaml', 'Service').spec;
    const budget = findObject('disruption-budget.yaml', 'PodDisruptionBudget').spec;
    for (const file of deployments) {
      const { selector, template } = findObject(file, 'Deployment').spec ?? {};
      const labels = template?.metadata?.labels;
      for (const chosen of [
        selector?.matchLabels,
        service?.selector,
        budget?.selector?.matchLabels,
      ]) {
        expect(labels).toMatchObject({ ...chosen });
        expect(Object.keys(chosen ?? {})).not.toEqual([]);
      }
      const names = template?.spec?.containers.flatMap(({ ports = [] }) =>
        ports.map((p) => p.name),
      );
      expect(names).toContain(service?.ports?.[0]?.targetPort);
    }
  });

  it.each(containers)(
    '$name runs without root, on a file system that it only reads',
    ({ container }) => {
      const pod = pods.find((each) => containersOf(each.pod).includes(container))?.pod;
      expect(pod?.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: expect.any(Number),
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod?.automountServiceAccountToken).toBe(false);
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(container.resources).toMatchObject({
        requests: { cpu: expect.any(String), memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      });
      expect(container.image).toMatch(/:\d+\.\d+\.\d+$/);
    },
  );

  it('are of the release in package.json, whose packages are those that are tested here', () => {
    const example = readPackage(exampleFolder);
    const { dependencies, devDependencies } = readPackage(packageRoot);
    for (const { container } of containers) {
      expect(container.image).toMatch(new RegExp(`:${example.version}$`));
    }
    for (const [name, range] of Object.entries(example.dependencies)) {
      const tested: Readonly<Record<string, string>> = {
        ...devDependencies,
        ...dependencies,
        slipway: readPackage(packageRoot).version,
      };
      expect(`^${tested[name]?.replace('^', '')}`, name).toBe(range);
    }
  });
});

describe('the times in the manifests', () => {
  it.each(deployments)(
    'of %s leave room for the whole way down before the pod is killed',
    (file) => {
      const pod = findObject(file, 'Deployment').spec?.template.spec;
      const [backend] = pod?.containers ?? [];
      const total = backend?.env?.find(({ name }) => name === 'SHUTDOWN_TIME')?.value;
      const preStop = backend?.lifecycle?.preStop?.sleep?.seconds ?? 0;
      const needed = preStop + toMilliseconds(total, 'SHUTDOWN_TIME') / 1_000;
      expect(pod?.terminationGracePeriodSeconds).toBe(needed + 5);
    },
  );

  it.each(deployments)(
    'of %s let a boot take its time before the startup probe gives up',
    (file) => {
      const { connect, init } = checkSettings({});
      const probe = findObject(file, 'Deployment').spec?.template.spec?.containers[0]?.startupProbe;
      const patience = (probe?.periodSeconds ?? 0) * (probe?.failureThreshold ?? 0) * 1_000;
      expect(patience).toBeGreaterThanOrEqual(connect.wait + init.timeout);
    },
  );

  it('let a rollout wait for its migrate Job', () => {
    const job = findObject('migrate-job.yaml', 'Job').spec;
    const rollout = findObject('deployment.yaml', 'Deployment').spec;
    expect(rollout?.progressDeadlineSeconds).toBeGreaterThan(
      job?.activeDeadlineSeconds ?? Infinity,
    );
  });

  it('let a drain of nodes end, and a rollout keep every replica', () => {
    const budget = findObject('disruption-budget.yaml', 'PodDisruptionBudget').spec;
    for (const file of deployments) {
      const { replicas = 1, strategy } = findObject(file, 'Deployment').spec ?? {};
      expect(budget?.maxUnavailable).toBeLessThan(replicas);
      expect(strategy?.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    }
  });
});

it('both deployments run the same backend, which applies nothing', () => {
  const [withJob, without] = deployments.map(
    (file) => findObject(file, 'Deployment').spec?.template.spec?.containers,
  );
  expect(without).toEqual(withJob);
  expect(withJob?.[0]?.env).toContainEqual({ name: 'MIGRATIONS_MODE', value: 'verify' });
});

it('the Job gives up at once on the exit code that another attempt would only repeat', () => {
  const { podFailurePolicy, template } = findObject('migrate-job.yaml', 'Job').spec ?? {};
  const rule = podFailurePolicy?.rules.find(({ action }) => action === 'FailJob')?.onExitCodes;
  expect(rule?.values.map((code) => exitCodes[code as keyof typeof exitCodes])).toEqual([
    'an argument, the config or a recording cannot be used',
  ]);
  expect(template?.spec?.containers.map(({ name }) => name)).toContain(rule?.containerName);
  // Kubernetes takes a podFailurePolicy with no other.
  expect(template?.spec?.restartPolicy).toBe('Never');
});

it('each probe asks for its own path: liveness must not restart a pod because it is not ready', () => {
  for (const file of deployments) {
    const [backend] = findObject(file, 'Deployment').spec?.template.spec?.containers ?? [];
    expect(backend?.startupProbe?.httpGet?.path).toBe('/startupz');
    expect(backend?.readinessProbe?.httpGet?.path).toBe('/readyz');
    expect(backend?.livenessProbe?.httpGet?.path).toBe('/livez');
  }
});

function probesOf({
  startupProbe,
  readinessProbe,
  livenessProbe,
}: (typeof containers)[number]['container']): readonly Probe[] {
  return [startupProbe, readinessProbe, livenessProbe].flatMap((probe) => probe ?? []);
}

interface PackageFile {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

function readPackage(folder: string): PackageFile {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageFile;
}
