{{/* Name of the release's objects; that of a service, Redis or their parts is made of it with "-". */}}
{{- define "eidetic.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes of the labels. Takes (dict "root" $ "component" name); without a component: of all pods of the release. */}}
{{- define "eidetic.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* Takes (dict "root" $ "component" name). */}}
{{- define "eidetic.labels" -}}
{{ include "eidetic.selectorLabels" . }}
app.kubernetes.io/part-of: eidetic
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* metadata of an object of a component. Takes (dict "root" $ "component" name), and "suffix" if that is not the component. */}}
{{- define "eidetic.metadata" -}}
name: {{ include "eidetic.fullname" .root }}-{{ .suffix | default .component }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "eidetic.labels" . | nindent 2 }}
{{- end -}}

{{/* Takes (dict "root" $ "component" name). */}}
{{- define "eidetic.image" -}}
{{- with .root.Values.image.registry }}{{ . }}/{{ end -}}
eidetic-{{ .component }}{{ if (index .root.Values .component).gpus }}-cuda{{ end }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{/* The components that are services of Eidetic. */}}
{{- define "eidetic.services" -}}gateway vision decoder{{- end -}}

{{/* The Redis servers that are bundled. */}}
{{- define "eidetic.bundledRedis" -}}
{{- range $role := list "queue" "cache" }}{{ if not (index $.Values.redis $role).externalSecret }}{{ $role }} {{ end }}{{ end -}}
{{- end -}}

{{/* Port of the gRPC API of a component. */}}
{{- define "eidetic.grpcPort" -}}
{{- get (dict "gateway" "50050" "vision" "50052" "decoder" "50051") . -}}
{{- end -}}

{{/* Port of health and metrics of a component, and of the gateway's HTTP API. */}}
{{- define "eidetic.httpPort" -}}
{{- get (dict "gateway" "8080" "vision" "8082" "decoder" "8081") . -}}
{{- end -}}

{{/* Whether the number of pods of a service is not the chart's. Takes (dict "root" $ "component" name). */}}
{{- define "eidetic.autoscaled" -}}
{{- if (index .root.Values .component).autoscaling.enabled }}true{{ end -}}
{{- end -}}
