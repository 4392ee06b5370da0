{{/* Slow in, quick out: a start costs a model load. Takes seconds. */}}
{{- define "eidetic.scalingBehavior" -}}
behavior:
  scaleUp:
    stabilizationWindowSeconds: 0
    policies:
      - { type: Percent, value: 100, periodSeconds: 30 }
      - { type: Pods, value: 2, periodSeconds: 30 }
    selectPolicy: Max
  scaleDown:
    stabilizationWindowSeconds: {{ . }}
    policies:
      - { type: Pods, value: 1, periodSeconds: 60 }
{{- end -}}

{{/* A HorizontalPodAutoscaler. Takes (dict "root" $ "component" name "metrics" list). */}}
{{- define "eidetic.hpa" -}}
{{- $scaling := (index .root.Values .component).autoscaling -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "eidetic.metadata" . | nindent 2 }}
spec:
  {{- include "eidetic.checkReplicas" . }}
  {{- if eq (int $scaling.minReplicas) 0 }}
  {{- fail (printf "%s.autoscaling.minReplicas is 0, which needs %s.autoscaling.by to be keda: a HorizontalPodAutoscaler keeps one pod at least." .component .component) }}
  {{- end }}
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "eidetic.fullname" .root }}-{{ .component }}
  minReplicas: {{ $scaling.minReplicas }}
  maxReplicas: {{ $scaling.maxReplicas }}
  metrics:
    {{- toYaml .metrics | nindent 4 }}
  {{- include "eidetic.scalingBehavior" $scaling.scaleDownSeconds | nindent 2 }}
{{- end -}}

{{/*
A ScaledObject. Where Prometheus does not answer, or has no such series, that is not taken for 0: the replicas stay, and are minReplicas and
one at least. Takes (dict "root" $ "component" name "triggers" list of (dict "name" "query" "threshold"), the query a sum of which each pod
should have as much as the threshold).
*/}}
{{- define "eidetic.scaledObject" -}}
{{- $scaling := (index .root.Values .component).autoscaling -}}
{{- $prometheus := .root.Values.monitoring.prometheusUrl -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  {{- include "eidetic.metadata" . | nindent 2 }}
spec:
  {{- include "eidetic.checkReplicas" . }}
  scaleTargetRef:
    name: {{ include "eidetic.fullname" .root }}-{{ .component }}
  minReplicaCount: {{ $scaling.minReplicas }}
  maxReplicaCount: {{ $scaling.maxReplicas }}
  pollingInterval: 15
  {{- if eq (int $scaling.minReplicas) 0 }}
  # From one to none; all else is for the window below.
  cooldownPeriod: {{ $scaling.scaleDownSeconds }}
  {{- end }}
  fallback:
    failureThreshold: 3
    replicas: {{ max 1 (int $scaling.minReplicas) }}
    behavior: currentReplicasIfHigher
  advanced:
    horizontalPodAutoscalerConfig:
      {{- include "eidetic.scalingBehavior" $scaling.scaleDownSeconds | nindent 6 }}
  triggers:
    {{- range .triggers }}
    - type: prometheus
      name: {{ .name }}
      metricType: AverageValue
      metadata:
        serverAddress: {{ $prometheus }}
        query: {{ .query | quote }}
        threshold: {{ .threshold | quote }}
        ignoreNullValues: "false"
    {{- end }}
{{- end -}}

{{- define "eidetic.checkReplicas" -}}
{{- $scaling := (index .root.Values .component).autoscaling -}}
{{- if lt (int $scaling.maxReplicas) (int $scaling.minReplicas) -}}
{{- fail (printf "%s.autoscaling.maxReplicas is %d, below minReplicas, %d." .component (int $scaling.maxReplicas) (int $scaling.minReplicas)) -}}
{{- end -}}
{{- end -}}

{{/* CPU use in percent of the request, as a metric of a HorizontalPodAutoscaler. */}}
{{- define "eidetic.cpuMetric" -}}
- type: Resource
  resource:
    name: cpu
    target: { type: Utilization, averageUtilization: {{ . }} }
{{- end -}}

{{/* A metric of pods from an adapter for custom metrics. Takes (dict "name" "value"). */}}
{{- define "eidetic.podMetric" -}}
- type: Pods
  pods:
    metric: { name: {{ .name }} }
    target: { type: AverageValue, averageValue: {{ .value | quote }} }
{{- end -}}

{{/* Selects the series of this release's pods of a component. Takes (dict "root" $ "component" name). */}}
{{- define "eidetic.series" -}}
{namespace="{{ .root.Release.Namespace }}",pod=~"{{ include "eidetic.fullname" .root }}-{{ .component }}-.*"}
{{- end -}}
