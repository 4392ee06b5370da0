import { createHash } from 'node:crypto';
import type { Rendering } from './chart.ts';

const SECRET = 'some-secret';
const autoscaled = (by: string) => ({
  gateway: { autoscaling: { enabled: true, runningRequests: 20 } },
  vision: { autoscaling: { enabled: true, by } },
  decoder: { autoscaling: { enabled: true, by } },
});

/** Values that switch on what the profiles leave off, each by itself. */
export const FEATURES: Readonly<Record<string, NonNullable<Rendering['values']>>> = {
  'images of a registry': { image: { registry: 'registry.example.com/team', tag: '1.2.3', pullSecrets: [SECRET] } },
  'other names': { fullnameOverride: 'pictures', commonLabels: { team: 'vision' } },
  'model of a claim': {
    model: { source: 'persistentVolumeClaim', path: 'qwen', persistentVolumeClaim: { claimName: 'model' } },
  },
  'model by download': {
    model: {
      source: 'download',
      path: 'qwen',
      download: {
        files: [{ url: 'https://example.com/a', sha256: createHash('sha256').digest('hex'), path: 'a' }],
      },
    },
    networkPolicy: { modelTo: [{ ipBlock: { cidr: '0.0.0.0/0' } }] },
  },
  KEDA: autoscaled('keda'),
  'HPA alone': autoscaled('hpa'),
  'no vision encoder when nobody needs one': { vision: { autoscaling: { enabled: true, by: 'keda', minReplicas: 0 } } },
  'API keys': { gateway: { apiKeys: { existingSecret: SECRET } }, test: { apiKeySecret: SECRET } },
  'TLS for clients': { gateway: { tls: { httpSecret: SECRET, grpcSecret: SECRET, grpcClientCertificates: true } } },
  'TLS between services': { podTLS: { serverSecret: SECRET, clientSecret: SECRET, serverName: 'eidetic' } },
  ingress: { gateway: { ingress: { enabled: true, className: 'nginx', tlsSecret: SECRET, annotations: { a: 'b' } } } },
  'Gateway API': {
    gateway: { route: { http: true, grpc: true, parentRefs: [{ name: 'public' }], hostnames: ['example.com'] } },
  },
  'external Redis': {
    redis: { caSecret: SECRET, queue: { externalSecret: SECRET }, cache: { externalSecret: SECRET } },
    networkPolicy: { redisTo: [{ ipBlock: { cidr: '10.1.0.0/16' } }] },
  },
  'external queue only': { redis: { queue: { externalSecret: SECRET } } },
  'Redis with passwords and a disk': {
    redis: {
      queue: { passwordSecret: SECRET, storage: '1Gi', storageClassName: 'fast' },
      cache: { passwordSecret: SECRET },
    },
  },
  GPUs: { vision: { gpus: 1 }, decoder: { gpus: 2 } },
  'places for pods': Object.fromEntries(
    ['gateway', 'vision', 'decoder', 'redis'].map((component) => [
      component,
      {
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ key: 'dedicated', operator: 'Exists' }],
        affinity: { nodeAffinity: {} },
        priorityClassName: 'high',
      },
    ]),
  ),
  settings: {
    gateway: { settings: { EIDETIC_LOG_LEVEL: 'debug' }, existingSecret: SECRET, podAnnotations: { a: 'b' } },
  },
  monitoring: { monitoring: { podMonitor: true, rules: true, dashboards: true, labels: { release: 'prometheus' } } },
  'monitoring of TLS': { monitoring: { podMonitor: true }, gateway: { tls: { httpSecret: SECRET } } },
  traces: {
    networkPolicy: { tracesTo: [{ podSelector: {} }] },
    gateway: { settings: { EIDETIC_OTLP_ENDPOINT: 'http://otel:4318' } },
  },
  'no network policies': { networkPolicy: { enabled: false }, podDisruptionBudget: { enabled: false } },
  'a gateway for some': { networkPolicy: { gatewayFrom: [{ podSelector: {} }], imagesTo: [] } },
};

/** What needs a Kubernetes that is newer than the oldest one. */
export const NEW_FEATURES: typeof FEATURES = {
  'model of an image': {
    model: { source: 'image', path: 'qwen', image: { reference: 'registry.example.com/models/qwen:1' } },
  },
};
