import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ServiceName, settingsOf } from '@eidetic/launcher';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { CHART, containersOf, ofKind, PROFILES, podsOf, render, runHelm, WITHOUT_HELM } from './chart.ts';
import { FEATURES, NEW_FEATURES } from './features.ts';

const SERVICES = ['gateway', 'vision', 'decoder'] as const;
const EVERYTHING = [
  ...PROFILES.map((profile) => [`values-${profile}.yaml`, { profile }] as const),
  ...Object.entries({ ...FEATURES, ...NEW_FEATURES }).map(([name, values]) => [name, { values }] as const),
];

const namesOf = async (service: ServiceName): Promise<readonly string[]> =>
  (await settingsOf(service)).map(({ name }) => name);
/** The settings that each service knows. */
const KNOWN = { gateway: namesOf('gateway'), vision: namesOf('vision'), decoder: namesOf('decoder') };

/** Why helm refuses values; empty: it does not. */
const refusal = async (values: object): Promise<string> =>
  runHelm(['template', 'eidetic'], { values }).then(
    () => '',
    (error: { stderr: string }) => error.stderr,
  );

describe.skipIf(WITHOUT_HELM !== '')(`what the chart promises${WITHOUT_HELM}`, () => {
  describe.each(EVERYTHING)('with %s', (_, rendering) => {
    const objects = render(rendering);

    it('gives pods no rights, no token and no variables of Services', async () => {
      for (const pod of podsOf(await objects)) {
        expect(pod.spec).toMatchObject({
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
        });
        expect(pod.spec.volumes.filter((volume) => 'hostPath' in volume)).toEqual([]);
        for (const container of containersOf(pod))
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
      }
      for (const account of Object.values(ofKind(await objects, 'ServiceAccount')))
        expect(account).toMatchObject({ automountServiceAccountToken: false });
    });

    it('bounds what every container takes, and what every volume of a pod grows to', async () => {
      for (const pod of podsOf(await objects)) {
        for (const { resources } of containersOf(pod)) {
          expect(Object.keys(resources.requests)).toEqual(expect.arrayContaining(['cpu', 'memory']));
          expect(Object.keys(resources.limits)).toEqual(expect.arrayContaining(['cpu', 'memory']));
          expect(resources.requests['nvidia.com/gpu']).toBe(resources.limits['nvidia.com/gpu']);
        }
        for (const volume of pod.spec.volumes)
          if ('emptyDir' in volume) expect(volume.emptyDir).toMatchObject({ sizeLimit: expect.any(String) });
      }
    });

    it('has pods with GPUs compute on them, and gateways know how vision encoders convert the model', async () => {
      const settings = ofKind(await objects, 'ConfigMap');
      const computes = new Map<string, boolean>();
      for (const { spec, owner } of podsOf(await objects)) {
        const service = ['vision', 'decoder'].find((name) => owner.metadata.name.endsWith(`-${name}`));
        const [container] = spec.containers;
        if (service === undefined || container === undefined) continue;
        const hasGpu = 'nvidia.com/gpu' in container.resources.limits;
        computes.set(service, hasGpu);
        expect(container.image.includes(`eidetic-${service}-cuda:`)).toBe(hasGpu);
        expect(settings[service]?.data?.EIDETIC_PROVIDER).toBe(hasGpu ? 'cuda' : undefined);
      }
      expect(settings.gateway?.data?.EIDETIC_PROVIDER).toBe(computes.get('vision') ? 'cuda' : undefined);
    });

    it('probes every container that stays, and asks for life elsewhere than for readiness', async () => {
      for (const { spec, owner } of podsOf(await objects))
        for (const { name, startupProbe, readinessProbe, livenessProbe } of owner.kind === 'Pod'
          ? []
          : spec.containers) {
          const asked = [startupProbe, readinessProbe, livenessProbe].map((probe) => {
            const { periodSeconds, timeoutSeconds, failureThreshold, ...how } = probe ?? {};
            expect(Number(periodSeconds) * Number(failureThreshold) * Number(timeoutSeconds), name).toBeGreaterThan(0);
            return how;
          });
          expect(asked[2], name).not.toEqual(asked[1]);
        }
    });

    it('gives every service time to drain before it is killed', async () => {
      for (const [service, settings] of Object.entries(ofKind(await objects, 'ConfigMap'))) {
        const pod = podsOf(await objects).find(({ owner }) => owner.metadata.name.endsWith(`-${service}`));
        const limit = settings.data?.EIDETIC_DRAIN_LIMIT;
        if (!limit || !pod) continue;
        const sleep = pod.spec.containers[0]?.lifecycle?.preStop.sleep.seconds;
        expect(Number(pod.spec.terminationGracePeriodSeconds)).toBeGreaterThanOrEqual(
          Number(sleep) + Number.parseInt(limit, 10) + 5,
        );
      }
    });

    it('sets nothing that a service does not know, which would refuse to start', async () => {
      const configurations = ofKind(await objects, 'ConfigMap');
      for (const { labels, spec } of podsOf(await objects)) {
        const service = SERVICES.find((name) => name === labels['app.kubernetes.io/component']);
        if (!service) continue;
        const known = await KNOWN[service];
        const own = spec.containers.flatMap(({ env }) => env.map(({ name }) => name));
        const set = [...own, ...Object.keys(configurations[service]?.data ?? {})];
        const unknown = set.filter((name) => name.startsWith('EIDETIC_') && !known.includes(name));
        expect(unknown).toEqual([]);
      }
    });

    it('mounts the model, certificates and keys for reading only', async () => {
      for (const { spec } of podsOf(await objects))
        for (const { volumeMounts } of spec.containers)
          for (const { mountPath, readOnly } of volumeMounts)
            if (!['/tmp', '/var/cache/eidetic', '/data'].includes(mountPath)) expect(readOnly, mountPath).toBe(true);
    });

    it('labels everything, and selects by what no upgrade changes', async () => {
      for (const { kind, metadata, spec } of await objects) {
        expect(metadata.namespace, kind).toBe('serving');
        expect(metadata.labels).toMatchObject({
          'app.kubernetes.io/name': 'eidetic',
          'app.kubernetes.io/instance': 'eidetic',
          'app.kubernetes.io/component': expect.any(String),
          'app.kubernetes.io/version': manifest.version,
          'app.kubernetes.io/managed-by': 'Helm',
        });
        if (kind === 'Deployment' || kind === 'StatefulSet')
          expect(spec?.selector).toEqual({
            matchLabels: {
              'app.kubernetes.io/name': 'eidetic',
              'app.kubernetes.io/instance': 'eidetic',
              'app.kubernetes.io/component': metadata.labels['app.kubernetes.io/component'],
            },
          });
      }
    });

    it('has no image without a version, and none that is always the newest', async () => {
      for (const pod of podsOf(await objects))
        for (const { image } of containersOf(pod)) expect(image).toMatch(/:(?!latest$)[\w.-]+$/);
    });

    it('leaves the number of pods to the autoscaler where there is one', async () => {
      const scaled = (await objects)
        .filter(({ kind }) => kind === 'HorizontalPodAutoscaler' || kind === 'ScaledObject')
        .map(({ metadata }) => metadata.name);
      expect(scaled).toEqual([...new Set(scaled)]);
      for (const { metadata, spec } of Object.values(ofKind(await objects, 'Deployment')))
        expect(spec !== undefined && 'replicas' in spec, metadata.name).toBe(!scaled.includes(metadata.name));
    });

    it('says of each claim, Secret and ConfigMap that a pod reads that it is there, or whose it is', async () => {
      const made = (await objects).filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name);
      const read = JSON.stringify(podsOf(await objects)).matchAll(/"config(?:MapRef|Map)":\{"name":"([^"]+)"/g);
      for (const [, name] of read) expect(made).toContain(name);
    });
  });

  it('keeps everything secret out of what it renders', async () => {
    for (const [, rendering] of EVERYTHING)
      expect((await render(rendering)).map(({ kind }) => kind)).not.toContain('Secret');
  });

  it('makes new pods when settings change, and only then', async () => {
    const checksums = async (values: object) =>
      Object.fromEntries(
        podsOf(await render({ values })).map(({ labels, annotations }) => [
          labels['app.kubernetes.io/component'],
          annotations['checksum/settings'],
        ]),
      );
    const before = await checksums({});
    expect(await checksums({ gateway: { replicas: 3 } })).toEqual(before);
    const after = await checksums({ gateway: { settings: { EIDETIC_LOG_LEVEL: 'debug' } } });
    expect(after).toEqual({ ...before, gateway: expect.not.stringMatching(`${before.gateway}`) });
  });

  it('puts every pod where it is told', async () => {
    for (const pod of podsOf(await render({ values: FEATURES['places for pods'] })))
      expect(pod.spec).toMatchObject({
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ key: 'dedicated', operator: 'Exists' }],
        affinity: { nodeAffinity: {} },
        priorityClassName: 'high',
      });
  });

  it('probes over HTTP where gRPC is encrypted, which the kubelet cannot speak', async () => {
    const probes = async (values: object) =>
      podsOf(await render({ values }))
        .filter(({ labels }) => /vision|decoder/.test(`${labels['app.kubernetes.io/component']}`))
        .map(({ spec }) => Object.keys(spec.containers[0]?.readinessProbe ?? {})[0]);
    expect(await probes({})).toEqual(['grpc', 'grpc']);
    expect(await probes(FEATURES['TLS between services'] ?? {})).toEqual(['httpGet', 'httpGet']);
  });

  it('lets through the connections that are made, and no others', async () => {
    const objects = await render({ profile: 'cpu' });
    const edges = Object.entries(ofKind(objects, 'NetworkPolicy')).flatMap(([component, { spec }]) => {
      const { ingress = [], egress = [] } = spec as Record<
        string,
        { from?: object[]; to?: object[]; ports: { port: unknown }[] }[]
      >;
      return [...ingress.map((rule) => ['from', rule] as const), ...egress.map((rule) => ['to', rule] as const)].map(
        ([direction, rule]) => {
          const peers = JSON.stringify(rule[direction] ?? 'everyone');
          const peer = [
            ...peers.matchAll(
              /component":"([\w-]+)"|values":\[([^\]]+)\]|k8s-app":"([\w-]+)|(everyone)|(cidr)|name":"(monitoring)"/g,
            ),
          ]
            .map((match) => match.slice(1).find(Boolean)?.replaceAll('"', ''))
            .join();
          return `${component} ${direction} ${peer} ${rule.ports.map(({ port }) => port)}`;
        },
      );
    });
    expect(edges.toSorted()).toEqual(
      [
        'all to kube-dns 53,53',
        'decoder from gateway grpc',
        'decoder from monitoring http',
        'decoder to redis-cache redis',
        'gateway from everyone http,grpc',
        'gateway from monitoring http',
        'gateway to cidr 80,443',
        'gateway to decoder grpc',
        'gateway to redis-cache redis',
        'gateway to redis-queue redis',
        'gateway to vision grpc',
        'redis-cache from gateway,vision,decoder redis',
        'redis-queue from gateway redis',
        'test to gateway http',
        'vision from gateway grpc',
        'vision from monitoring http',
        'vision to redis-cache redis',
      ].toSorted(),
    );
  });

  it('lets vision encoders go to none, and pictures wait for as long as one takes to start', async () => {
    const values = { ...FEATURES['no vision encoder when nobody needs one'], model: { startupSeconds: 120 } };
    const objects = await render({ values });
    const scaled = objects.find(({ kind }) => kind === 'ScaledObject');
    expect(scaled?.spec).toMatchObject({ minReplicaCount: 0, cooldownPeriod: 300, fallback: { replicas: 1 } });
    const settings = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.endsWith('-gateway'));
    expect(settings).toMatchObject({ data: { EIDETIC_VISION_PATIENCE: '180s' } });
  });

  it('gives alerts the objectives and the runbooks of those who install it', async () => {
    const objectives = { 'eidetic:objective_first_token:seconds': 1.5 };
    const values = { monitoring: { rules: true, objectives, runbooks: 'https://wiki.example/eidetic' } };
    const { monitoring } = ofKind(await render({ values }), 'PrometheusRule');
    const spec = monitoring?.spec as {
      groups: { rules: { record?: string; expr: string; annotations?: { runbook_url: string } }[] }[];
    };
    const all = spec.groups.flatMap(({ rules }) => rules);
    const own = all.filter(({ record = '' }) => record.startsWith('eidetic:objective_'));
    expect(own.map(({ record, expr }) => `${record} ${expr}`).toSorted()).toEqual([
      'eidetic:objective_chat_success:ratio vector(0.995)',
      'eidetic:objective_first_token:seconds vector(1.5)',
      'eidetic:objective_picture_wait:seconds vector(10)',
    ]);
    const links = all.flatMap(({ annotations }) => annotations?.runbook_url ?? []);
    expect(links).toContain('https://wiki.example/eidetic#eideticdecodermissing');
    expect(links.filter((link) => !link.startsWith('https://wiki.example/eidetic#eidetic'))).toEqual([]);
  });

  it('needs no custom resource unless it is told that there are some', async () => {
    const groups = (await render()).map(({ apiVersion }) => apiVersion.split('/').at(-2) ?? '');
    expect(groups.filter((group) => group.includes('.') && !group.endsWith('.k8s.io'))).toEqual([]);
  });

  it.each([
    [{ vision: { terminationGracePeriodSeconds: 40 } }, 'preStopSeconds + drainSeconds + 5 = 41'],
    [{ decoder: { autoscaling: { enabled: true, maxReplicas: 1, minReplicas: 2 } } }, 'below minReplicas'],
    [{ gateway: { settings: { EIDETIC_HTTP_PORT: '80' } } }, 'the chart makes EIDETIC_HTTP_PORT itself'],
    [{ gateway: { settings: { EIDETIC_LOG_LEVEL: 5 } } }, 'EIDETIC_LOG_LEVEL'],
    [{ gateway: { settings: { LOG_LEVEL: 'info' } } }, 'LOG_LEVEL'],
    [{ image: { tag: 'latest' } }, 'image.tag|/image/tag'],
    [{ redis: { image: 'redis:latest' } }, 'redis.image|/redis/image'],
    [{ redis: { image: 'redis' } }, 'redis.image|/redis/image'],
    [{ gateway: { replica: 2 } }, 'replica'],
    [{ model: { source: 'hostPath' } }, 'source'],
    [{ model: { source: 'download' } }, 'model.download.files is empty'],
    [{ model: { source: 'download', download: { files: [{ url: 'https://a', path: 'a' }] } } }, 'sha256'],
    [{ model: { source: 'persistentVolumeClaim' } }, 'claimName is missing'],
    [{ model: { source: 'image' } }, 'reference is missing'],
    [{ podTLS: { serverSecret: 'a' } }, 'podTLS'],
    [{ gateway: { route: { http: true } } }, 'parentRefs is empty'],
    [{ decoder: { autoscaling: { minReplicas: 0 } } }, 'minReplicas'],
    [{ vision: { autoscaling: { enabled: true, by: 'hpa', minReplicas: 0 } } }, 'vision.autoscaling.by to be keda'],
  ])('refuses %j, and says why', async (values, why) => {
    expect(await refusal(values)).toMatch(new RegExp(why.replaceAll('+', '\\+')));
  });

  it('has the version of the images', async () => {
    expect(parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8')).appVersion).toBe(manifest.version);
  });
});
