import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';

const execute = promisify(execFile);

/** The chart. */
export const CHART = join(import.meta.dirname, '../../deploy/helm/eidetic');
const TOOLS = join(import.meta.dirname, '../../.tools/chart');

/** The files of values beside values.yaml, by the name in values-NAME.yaml. */
export const PROFILES = ['dev', 'cpu', 'gpu', 'production'] as const;
/** The oldest Kubernetes that the chart supports, and a current one. */
export const KUBERNETES_VERSIONS = ['1.30.0', '1.37.2'] as const;

/** Path of a tool that scripts/install-chart-tools.sh gets; undefined: it could not. */
export const tool = (name: 'helm' | 'kubeconform' | 'kube-linter'): string | undefined =>
  [join(TOOLS, 'bin', name)].find(existsSync);

/** Where the schemas are; undefined: they could not be had. */
export const schemas = (): string | undefined =>
  [join(TOOLS, 'schemas')].find((path) => existsSync(join(path, '.modules')));

/** Why tests that render the chart are skipped, for their title; empty: they are not. */
export const WITHOUT_HELM = tool('helm') ? '' : ' (skipped: there is no helm, see scripts/install-chart-tools.sh)';

const fields = z.record(z.string(), z.string());
const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).default([]),
  resources: z.object({ requests: z.record(z.string(), z.unknown()), limits: z.record(z.string(), z.unknown()) }),
  securityContext: z.looseObject({}).optional(),
  volumeMounts: z
    .array(z.looseObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() }))
    .default([]),
  startupProbe: z.looseObject({}).optional(),
  readinessProbe: z.looseObject({}).optional(),
  livenessProbe: z.looseObject({}).optional(),
  lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }).optional(),
});
const podSpec = z.looseObject({
  containers: z.array(container),
  initContainers: z.array(container).default([]),
  volumes: z.array(z.looseObject({ name: z.string() })).default([]),
  terminationGracePeriodSeconds: z.number().optional(),
});
const object = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    labels: fields,
    annotations: fields.optional(),
  }),
  data: fields.optional(),
  spec: z.looseObject({}).optional(),
});

/** An object of Kubernetes, checked as far as every one of them is alike. */
export type KubernetesObject = z.infer<typeof object>;
/** A container of a pod. */
export type Container = z.infer<typeof container>;

/** A pod, and whose it is. */
export interface Pod {
  readonly owner: KubernetesObject;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: z.infer<typeof podSpec>;
}

/** What is rendered: a profile, values that go before it, for a version of Kubernetes. */
export interface Rendering {
  readonly profile?: (typeof PROFILES)[number] | undefined;
  readonly values?: object | undefined;
  readonly kubernetes?: string;
  readonly release?: string;
}

/** Runs helm with the values of a rendering; resolves to what it prints. */
export const runHelm = async (
  command: readonly string[],
  { profile, values = {}, kubernetes = KUBERNETES_VERSIONS[1] }: Rendering = {},
): Promise<string> => {
  const files = profile ? ['--values', join(CHART, `values-${profile}.yaml`)] : [];
  const child = execute(
    tool('helm') ?? 'helm',
    [...command, CHART, '--kube-version', kubernetes, '--namespace', 'serving', ...files, '--values', '-'],
    { maxBuffer: 64 << 20 },
  );
  child.child.stdin?.end(stringify(values));
  return (await child).stdout;
};

/** The YAML of a rendering. */
export const renderText = (rendering: Rendering = {}): Promise<string> =>
  runHelm(['template', rendering.release ?? 'eidetic'], rendering);

/** The objects in a text of YAML. @throws ZodError when one of them is none. */
export const parseObjects = (text: string): readonly KubernetesObject[] =>
  parseAllDocuments(text)
    .map((document) => {
      if (document.errors[0]) throw document.errors[0];
      return document.toJS();
    })
    .filter((value) => value !== null)
    .map((value) => object.parse(value));

/** The objects of a rendering. */
export const render = async (rendering: Rendering = {}): Promise<readonly KubernetesObject[]> =>
  parseObjects(await renderText(rendering));

const workload = z.looseObject({
  template: z.looseObject({
    metadata: z.looseObject({ labels: fields, annotations: fields.default({}) }),
    spec: podSpec,
  }),
});

/** The pods that objects make, `helm test`'s among them. */
export const podsOf = (objects: readonly KubernetesObject[]): readonly Pod[] =>
  objects.flatMap((owner) => {
    if (owner.kind === 'Pod') {
      const { labels, annotations = {} } = owner.metadata;
      return [{ owner, labels, annotations, spec: podSpec.parse(owner.spec) }];
    }
    if (owner.kind !== 'Deployment' && owner.kind !== 'StatefulSet') return [];
    const { metadata, spec } = workload.parse(owner.spec).template;
    return [{ owner, labels: metadata.labels, annotations: metadata.annotations, spec }];
  });

/** All containers of a pod, those that run first included. */
export const containersOf = ({ spec }: Pod): readonly Container[] => [...spec.initContainers, ...spec.containers];

/** The objects of a kind, by their component. */
export const ofKind = (
  objects: readonly KubernetesObject[],
  kind: string,
): Readonly<Record<string, KubernetesObject>> =>
  Object.fromEntries(
    objects
      .filter((each) => each.kind === kind)
      .map((each) => [each.metadata.labels['app.kubernetes.io/component'] ?? '', each]),
  );
