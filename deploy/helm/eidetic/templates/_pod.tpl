{{/* What every pod has in common: rights, and where it runs. Takes the values of its component, and "root", "component". */}}
{{- define "eidetic.podBasics" -}}
automountServiceAccountToken: false
# The variables that Kubernetes makes of Services begin with the release's name. Eidetic refuses settings that it does not know.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Pods of a Deployment on different nodes and in different zones, where that is possible. Takes (dict "root" $ "component" name). */}}
{{- define "eidetic.spread" -}}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "eidetic.selectorLabels" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end -}}

{{/* What a container may do: nothing that it does not need. */}}
{{- define "eidetic.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/*
Probes of a service. Whether it lives is asked over HTTP: gRPC health also says whether it is ready, which is no reason to kill it. Whether it
is ready is asked where requests go, unless that is encrypted, which the kubelet's gRPC probes cannot be. Takes (dict "root" $ "component" name).
*/}}
{{- define "eidetic.probes" -}}
{{- $gateway := eq .component "gateway" -}}
{{- $scheme := ternary "HTTPS" "HTTP" (and $gateway (not (empty .root.Values.gateway.tls.httpSecret))) -}}
{{- $overHttp := or $gateway (not (empty .root.Values.podTLS.serverSecret)) -}}
{{- $ready := ternary (dict "httpGet" (dict "path" "/readyz" "port" "http" "scheme" $scheme)) (dict "grpc" (dict "port" (include "eidetic.grpcPort" .component | int))) $overHttp -}}
startupProbe:
  {{- toYaml $ready | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: {{ div (add (include "eidetic.startupSeconds" . | int) 4) 5 }}
readinessProbe:
  {{- toYaml $ready | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
livenessProbe:
  httpGet:
    path: /healthz
    port: http
    scheme: {{ $scheme }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}

{{/* Budget of a start in seconds. Gateways start once the others have. */}}
{{- define "eidetic.startupSeconds" -}}
{{- mul (int .root.Values.model.startupSeconds) (ternary 2 1 (eq .component "gateway")) -}}
{{- end -}}

{{/* Fails when SIGKILL would come before a drain has ended. Takes (dict "values" … "component" name). */}}
{{- define "eidetic.checkDrain" -}}
{{- $needed := add (int .values.preStopSeconds) (int .values.drainSeconds) 5 -}}
{{- if lt (int .values.terminationGracePeriodSeconds) $needed -}}
{{- fail (printf "%s.terminationGracePeriodSeconds is %d, but preStopSeconds + drainSeconds + 5 = %d: answers would be cut. Raise it, or lower one of them." .component (int .values.terminationGracePeriodSeconds) $needed) -}}
{{- end -}}
{{- end -}}
