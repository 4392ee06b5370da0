{{/* The settings of a service that the chart makes, as a map. Takes (dict "root" $ "component" name). */}}
{{- define "eidetic.ownSettings" -}}
{{- $values := .root.Values -}}
{{- $own := index $values .component -}}
{{- $fullname := include "eidetic.fullname" .root -}}
EIDETIC_HTTP_HOST: 0.0.0.0
EIDETIC_HTTP_PORT: {{ include "eidetic.httpPort" .component | quote }}
EIDETIC_GRPC_HOST: 0.0.0.0
EIDETIC_GRPC_PORT: {{ include "eidetic.grpcPort" .component | quote }}
EIDETIC_CACHE_DIR: /var/cache/eidetic
EIDETIC_MODEL: {{ include "eidetic.modelPath" .root }}
EIDETIC_DRAIN_LIMIT: {{ int $own.drainSeconds }}s
{{- /* A gateway computes nothing, but has to know how the vision encoders convert the model: their pictures' keys depend on it. */}}
{{- if (ternary $values.vision $own (eq .component "gateway")).gpus }}
EIDETIC_PROVIDER: cuda
{{- end }}
{{- if eq .component "gateway" }}
EIDETIC_DECODERS: dns:///{{ $fullname }}-decoder:{{ include "eidetic.grpcPort" "decoder" }}
EIDETIC_VISION_ENCODERS: dns:///{{ $fullname }}-vision:{{ include "eidetic.grpcPort" "vision" }}
{{- if and $values.vision.autoscaling.enabled (eq (int $values.vision.autoscaling.minReplicas) 0) }}
{{- /* An autoscaler notices within its interval of 15 s and the scrape before it. */}}
EIDETIC_VISION_PATIENCE: {{ add $values.model.startupSeconds 60 }}s
{{- end }}
{{- with $values.gateway.apiKeys.existingSecret }}
EIDETIC_API_KEYS_FILE: /etc/eidetic/api-keys/{{ $values.gateway.apiKeys.key }}
{{- end }}
{{- with $values.gateway.tls.httpSecret }}
EIDETIC_HTTP_TLS_CERT: /etc/eidetic/http-tls/tls.crt
EIDETIC_HTTP_TLS_KEY: /etc/eidetic/http-tls/tls.key
{{- end }}
{{- with $values.gateway.tls.grpcSecret }}
EIDETIC_GRPC_TLS_CERT: /etc/eidetic/grpc-tls/tls.crt
EIDETIC_GRPC_TLS_KEY: /etc/eidetic/grpc-tls/tls.key
{{- if $values.gateway.tls.grpcClientCertificates }}
EIDETIC_GRPC_TLS_CLIENT_CA: /etc/eidetic/grpc-tls/ca.crt
{{- end }}
{{- end }}
{{- if $values.podTLS.serverSecret }}
EIDETIC_POD_TLS_CA: /etc/eidetic/pod-tls/ca.crt
EIDETIC_POD_TLS_CERT: /etc/eidetic/pod-tls/tls.crt
EIDETIC_POD_TLS_KEY: /etc/eidetic/pod-tls/tls.key
EIDETIC_POD_TLS_NAME: {{ required "podTLS.serverName is missing: the name that the certificates of podTLS.serverSecret are for." $values.podTLS.serverName }}
{{- end }}
{{- else if $values.podTLS.serverSecret }}
EIDETIC_GRPC_TLS_CERT: /etc/eidetic/pod-tls/tls.crt
EIDETIC_GRPC_TLS_KEY: /etc/eidetic/pod-tls/tls.key
EIDETIC_GRPC_TLS_CLIENT_CA: /etc/eidetic/pod-tls/ca.crt
{{- end }}
{{- end -}}

{{/* All settings of a service that are no secret; fails where the user's would change one that the chart makes. */}}
{{- define "eidetic.settings" -}}
{{- $own := include "eidetic.ownSettings" . | fromYaml -}}
{{- range $name, $_ := (index .root.Values .component).settings -}}
{{- if or (hasKey $own $name) (has $name (list "EIDETIC_THREADS" "EIDETIC_QUEUE_REDIS_URL" "EIDETIC_CACHE_REDIS_URL")) -}}
{{- fail (printf "%s.settings: the chart makes %s itself, from other values." $.component $name) -}}
{{- end -}}
{{- end -}}
{{- toYaml (merge $own (index .root.Values .component).settings) -}}
{{- end -}}

{{/* Folder of the model in a container. */}}
{{- define "eidetic.modelPath" -}}
{{- if eq .Values.model.source "embedded" -}}{{ .Values.model.path }}{{- else -}}{{ printf "/models/%s" .Values.model.path | trimSuffix "/" }}{{- end -}}
{{- end -}}

{{/* The variables of a service that come from somewhere else: its limits, and Secrets. Takes (dict "root" $ "component" name). */}}
{{- define "eidetic.environment" -}}
- name: EIDETIC_THREADS
  valueFrom:
    resourceFieldRef:
      containerName: {{ .component }}
      resource: limits.cpu
- name: NODE_OPTIONS
  value: --max-old-space-size-percentage={{ (index .root.Values .component).heapPercent }}
{{- if .root.Values.redis.caSecret }}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/eidetic/redis-ca/ca.crt
{{- end }}
{{- if eq .component "gateway" }}
{{ include "eidetic.redisUrl" (dict "root" .root "role" "queue") }}
{{- end }}
{{ include "eidetic.redisUrl" (dict "root" .root "role" "cache") }}
{{- end -}}

{{/* The URL of a Redis. Takes (dict "root" $ "role" "queue" or "cache"). */}}
{{- define "eidetic.redisUrl" -}}
{{- $redis := index .root.Values.redis .role -}}
{{- $name := printf "EIDETIC_%s_REDIS_URL" (upper .role) -}}
{{- $host := printf "%s-redis-%s:6379" (include "eidetic.fullname" .root) .role -}}
{{- if $redis.externalSecret -}}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $redis.externalSecret }}
      key: url
{{- else if $redis.passwordSecret -}}
- name: {{ upper .role }}_REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $redis.passwordSecret }}
      key: password
- name: {{ $name }}
  value: redis://:$({{ upper .role }}_REDIS_PASSWORD)@{{ $host }}
{{- else -}}
- name: {{ $name }}
  value: redis://{{ $host }}
{{- end -}}
{{- end -}}

{{/* Secrets that a service reads as files: a map from the folder below /etc/eidetic to the Secret's name. Takes (dict "root" $ "component" name). */}}
{{- define "eidetic.secretFiles" -}}
{{- $values := .root.Values -}}
{{- if eq .component "gateway" }}
api-keys: {{ $values.gateway.apiKeys.existingSecret | quote }}
http-tls: {{ $values.gateway.tls.httpSecret | quote }}
grpc-tls: {{ $values.gateway.tls.grpcSecret | quote }}
pod-tls: {{ if $values.podTLS.serverSecret }}{{ required "podTLS.clientSecret is missing: what gateways show to the servers of podTLS.serverSecret." $values.podTLS.clientSecret | quote }}{{ else }}""{{ end }}
{{- else }}
pod-tls: {{ $values.podTLS.serverSecret | quote }}
{{- end }}
redis-ca: {{ $values.redis.caSecret | quote }}
{{- end -}}
