/** Minutes of health, of fault, and after it. Each alert is silent at the end of the first and the last, and fires at the end of the second. */
interface Phases {
  readonly before: number;
  readonly fault: number;
  readonly after: number;
}

/** A fault as Prometheus sees it: series in promtool's notation, one value a minute. */
export interface AlertCase {
  readonly alert: string;
  readonly phases: Phases;
  readonly series: Readonly<Record<string, string>>;
  /** Labels that the firing alert has beside its own. */
  readonly labels: Readonly<Record<string, string>>;
}

const HOURS: Phases = { before: 30, fault: 30, after: 75 };
const NAMESPACE = { namespace: 'ai' };

/** For batches, which take hours. */
const HALF_A_DAY: Phases = { before: 480, fault: 120, after: 120 };

type Values = readonly [before: number | undefined, fault: number | undefined, after: number | undefined];

/** A gauge with a value in each phase; undefined: there is no such series. */
const level = ([before, fault, after]: Values, phases: Phases = HOURS): string => {
  const part = (value: number | undefined, minutes: number): string =>
    value === undefined ? `_x${minutes}` : `${value}+0x${minutes - 1}`;
  return [part(before, phases.before), part(fault, phases.fault), part(after, phases.after)].join(' ');
};

/** A counter that grows by so much a minute in each phase. */
const growth = ([before, fault, after]: readonly [number, number, number], phases: Phases = HOURS): string => {
  const atFault = before * phases.before;
  const atEnd = atFault + fault * phases.fault;
  const part = (from: number, step: number, minutes: number): string => `${from}+${step}x${minutes - 1}`;
  return [part(0, before, phases.before), part(atFault, fault, phases.fault), part(atEnd, after, phases.after)].join(
    ' ',
  );
};

const FINISHED = 'eidetic_chat_requests_finished_total';
const PODS = 'eidetic_endpoint_pods';
const LOOKUPS = 'eidetic_image_cache_lookups_total';
const POD = 'namespace="ai", job="decoder", instance="a:1"';
const POD_LABELS = { ...NAMESPACE, job: 'decoder', instance: 'a:1' };
const BUILD = { [`eidetic_build_info{${POD}}`]: level([1, 1, 1]) };
/** For what looks back six hours. */
const LONG: Phases = { before: 360, fault: 90, after: 120 };

/** One fault for each alert. Beside it stands, where there is one, what must not set it off. */
export const ALERT_CASES: readonly AlertCase[] = [
  {
    alert: 'EideticErrorBudgetBurn',
    phases: HOURS,
    series: {
      [`${FINISHED}{namespace="ai", outcome="stop"}`]: growth([100, 60, 100]),
      // What senders do wrong burns nothing.
      [`${FINISHED}{namespace="ai", outcome="invalid_image"}`]: growth([50, 50, 50]),
      [`${FINISHED}{namespace="ai", outcome="unavailable"}`]: growth([0, 40, 0]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticErrorBudgetBurnSlow',
    phases: LONG,
    series: {
      [`${FINISHED}{namespace="ai", outcome="length"}`]: growth([100, 80, 100], LONG),
      [`${FINISHED}{namespace="ai", outcome="deadline_exceeded"}`]: growth([0, 20, 0], LONG),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticFirstTokenSlow',
    phases: HOURS,
    series: {
      'eidetic_chat_first_token_seconds_bucket{namespace="ai", le="1"}': growth([100, 50, 100]),
      'eidetic_chat_first_token_seconds_bucket{namespace="ai", le="10"}': growth([100, 100, 100]),
      'eidetic_chat_first_token_seconds_bucket{namespace="ai", le="+Inf"}': growth([100, 100, 100]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticBatchesStuck',
    phases: HALF_A_DAY,
    series: {
      'eidetic_batch_entered_total{namespace="ai", status="in_progress"}': '0x29 1x690',
      'eidetic_batch_entered_total{namespace="ai", status="completed"}': '0x599 1x120',
      'eidetic_batch_lines_total{namespace="ai", outcome="completed"}': growth([10, 0, 10], HALF_A_DAY),
      // Tries that fail are no progress.
      'eidetic_batch_lines_total{namespace="ai", outcome="retried"}': growth([0, 5, 0], HALF_A_DAY),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticPicturesWait',
    phases: HOURS,
    series: {
      // Each gateway tells of the whole queue.
      'eidetic_encode_queue_oldest_seconds{namespace="ai", instance="a:1"}': level([3, 25, 0]),
      'eidetic_encode_queue_oldest_seconds{namespace="ai", instance="b:1"}': level([3, 25, 0]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticPictureBacklog',
    phases: HOURS,
    series: {
      'eidetic_encode_queue_backlog_seconds{namespace="ai"}': level([15, 25, 0]),
      [`${PODS}{namespace="ai", service="vision", state="usable"}`]: level([2, 2, 2]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticQueueWithoutConsumers',
    phases: HOURS,
    series: {
      'eidetic_encode_queue_waiting_jobs{namespace="ai", instance="a:1"}': level([4, 7, 0]),
      'eidetic_encode_queue_batch_jobs_count{namespace="ai", instance="a:1"}': growth([30, 0, 30]),
      'eidetic_encode_queue_batch_jobs_count{namespace="ai", instance="b:1"}': growth([30, 0, 30]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticVisionMissing',
    phases: HOURS,
    series: {
      [`${PODS}{namespace="ai", service="vision", state="usable", instance="a:1"}`]: level([2, 0, 2]),
      [`${PODS}{namespace="ai", service="vision", state="usable", instance="b:1"}`]: level([0, 0, 2]),
      [`${LOOKUPS}{namespace="ai", outcome="miss"}`]: growth([10, 10, 10]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticPicturesStalled',
    phases: HOURS,
    series: { 'eidetic_encode_queue_stalled_total{namespace="ai"}': growth([0, 1, 0]) },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticQueueUnreachable',
    phases: HOURS,
    series: {
      [`${PODS}{namespace="ai", service="vision", state="known"}`]: level([2, 2, 2]),
      'eidetic_encode_queue_waiting_jobs{namespace="ai"}': level([0, undefined, 0]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticQueueCallsFail',
    phases: HOURS,
    series: { 'eidetic_encode_queue_failures_total{namespace="ai"}': growth([0, 3, 0]) },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticDecoderMissing',
    phases: HOURS,
    series: {
      [`${PODS}{namespace="ai", service="decoder", state="usable", instance="a:1"}`]: level([2, 0, 2]),
      [`${PODS}{namespace="ai", service="decoder", state="usable", instance="b:1"}`]: level([0, 0, 2]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticPodsUnusable',
    phases: HOURS,
    series: {
      [`${PODS}{namespace="ai", service="decoder", state="known"}`]: level([3, 3, 3]),
      [`${PODS}{namespace="ai", service="decoder", state="usable"}`]: level([3, 1, 3]),
      // Scaled to none: gateways keep the last addresses.
      [`${PODS}{namespace="ai", service="vision", state="known"}`]: level([2, 2, 2]),
      [`${PODS}{namespace="ai", service="vision", state="usable"}`]: level([2, 0, 2]),
    },
    labels: { ...NAMESPACE, service: 'decoder' },
  },
  {
    alert: 'EideticDecodersSaturated',
    phases: HOURS,
    series: {
      'eidetic_engine_requests_waiting{namespace="ai"}': level([0, 5, 0]),
      // All slots taken is no trouble while nobody waits.
      'eidetic_engine_requests_running{namespace="ai"}': level([8, 8, 8]),
      'eidetic_engine_slots{namespace="ai"}': level([8, 8, 8]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticDecodersSaturated',
    phases: HOURS,
    series: {
      'eidetic_engine_requests_waiting{namespace="ai"}': level([5, 5, 5]),
      'eidetic_engine_requests_running{namespace="ai"}': level([2, 2, 2]),
      'eidetic_engine_slots{namespace="ai"}': level([8, 8, 8]),
      'eidetic_engine_kv_usage_ratio{namespace="ai"}': level([0.5, 0.97, 0.5]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticEngineStuck',
    phases: HOURS,
    series: {
      [`eidetic_engine_requests_running{${POD}}`]: level([2, 2, 2]),
      [`eidetic_engine_decode_step_seconds_count{${POD}}`]: growth([600, 0, 600]),
      [`eidetic_engine_prefill_step_seconds_count{${POD}, purpose="prompt"}`]: growth([6, 0, 6]),
    },
    labels: POD_LABELS,
  },
  {
    alert: 'EideticForeignModel',
    phases: HOURS,
    series: { 'eidetic_decoder_pool_foreign_models_total{namespace="ai"}': growth([0, 1, 0]) },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticCacheHitsCollapse',
    phases: LONG,
    series: {
      [`${LOOKUPS}{namespace="ai", outcome="hit"}`]: growth([80, 5, 80], LONG),
      [`${LOOKUPS}{namespace="ai", outcome="miss"}`]: growth([20, 95, 20], LONG),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticCacheUnreachable',
    phases: HOURS,
    series: {
      'eidetic_cache_reads_total{namespace="ai", cache="embedding", tier="redis", outcome="hit"}': growth([60, 0, 60]),
      'eidetic_cache_reads_total{namespace="ai", cache="embedding", tier="redis", outcome="unavailable"}': growth([
        0, 60, 0,
      ]),
      'eidetic_cache_reads_total{namespace="ai", cache="embedding", tier="process", outcome="hit"}': growth([
        600, 600, 600,
      ]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticCacheWritesLost',
    phases: HOURS,
    series: {
      'eidetic_cache_writes_total{namespace="ai", cache="image", outcome="stored"}': growth([60, 40, 60]),
      'eidetic_cache_writes_total{namespace="ai", cache="image", outcome="full"}': growth([0, 20, 0]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticCacheCorrupt',
    phases: HOURS,
    series: {
      'eidetic_cache_reads_total{namespace="ai", cache="embedding", tier="redis", outcome="corrupt"}': growth([
        0, 1, 0,
      ]),
    },
    labels: NAMESPACE,
  },
  {
    alert: 'EideticTargetDown',
    phases: HOURS,
    series: {
      [`up{${POD}}`]: level([1, 0, 1]),
      [`eidetic_build_info{${POD}}`]: level([1, undefined, 1]),
      // Somebody else's.
      'up{namespace="ai", job="shop", instance="s:1"}': level([0, 0, 0]),
    },
    labels: POD_LABELS,
  },
  {
    alert: 'EideticNotReady',
    phases: HOURS,
    series: { [`eidetic_service_ready{${POD}}`]: level([1, 0, 1]) },
    labels: POD_LABELS,
  },
  {
    alert: 'EideticEventLoopLag',
    phases: HOURS,
    series: {
      ...BUILD,
      [`nodejs_eventloop_lag_p99_seconds{${POD}}`]: level([0.02, 1.4, 0.02]),
      'nodejs_eventloop_lag_p99_seconds{namespace="ai", job="shop", instance="s:1"}': level([3, 3, 3]),
    },
    labels: POD_LABELS,
  },
  {
    alert: 'EideticMemoryNearLimit',
    phases: HOURS,
    series: {
      [`process_resident_memory_bytes{${POD}}`]: level([2e9, 3.9e9, 2e9]),
      [`eidetic_service_memory_limit_bytes{${POD}}`]: level([4e9, 4e9, 4e9]),
    },
    labels: POD_LABELS,
  },
  {
    alert: 'EideticKeysNotReloaded',
    phases: HOURS,
    series: { [`eidetic_access_reload_failures_total{${POD}}`]: growth([0, 1, 0]) },
    labels: POD_LABELS,
  },
  {
    alert: 'EideticLimitsNotShared',
    phases: HOURS,
    series: { 'eidetic_access_limiter_failures_total{namespace="ai", reason="timeout"}': growth([0, 6, 0]) },
    labels: NAMESPACE,
  },
];
