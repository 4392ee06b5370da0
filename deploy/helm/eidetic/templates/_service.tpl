{{/*
A service of Eidetic: its settings, its Deployment, its account. Takes (dict "root" $ "component" name).
*/}}
{{- define "eidetic.service" -}}
{{- $root := .root -}}
{{- $values := index $root.Values .component -}}
{{- $secretFiles := include "eidetic.secretFiles" . | fromYaml -}}
{{- include "eidetic.checkDrain" (dict "values" $values "component" .component) -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "eidetic.metadata" . | nindent 2 }}
automountServiceAccountToken: false
---
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "eidetic.metadata" . | nindent 2 }}
data:
  {{- include "eidetic.settings" . | nindent 2 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "eidetic.metadata" . | nindent 2 }}
spec:
  {{- if not (include "eidetic.autoscaled" .) }}
  replicas: {{ $values.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  minReadySeconds: 5
  progressDeadlineSeconds: {{ include "eidetic.startupSeconds" . | int | add 300 }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      {{- toYaml $values.rollout | nindent 6 }}
  selector:
    matchLabels:
      {{- include "eidetic.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "eidetic.labels" . | nindent 8 }}
      annotations:
        # New settings make new pods.
        checksum/settings: {{ include "eidetic.settings" . | sha256sum }}
        {{- if eq $root.Values.model.source "download" }}
        checksum/model: {{ toJson $root.Values.model.download.files | sha256sum }}
        {{- end }}
        {{- with $values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "eidetic.fullname" $root }}-{{ .component }}
      {{- include "eidetic.podBasics" (dict "root" $root "values" $values) | nindent 6 }}
      {{- include "eidetic.spread" . | nindent 6 }}
      terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
      {{- if eq $root.Values.model.source "download" }}
      initContainers:
        {{- include "eidetic.fetchModel" . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "eidetic.image" . }}
          imagePullPolicy: IfNotPresent
          ports:
            - name: http
              containerPort: {{ include "eidetic.httpPort" .component }}
            - name: grpc
              containerPort: {{ include "eidetic.grpcPort" .component }}
          envFrom:
            - configMapRef:
                name: {{ include "eidetic.fullname" $root }}-{{ .component }}
            {{- with $values.existingSecret }}
            - secretRef:
                name: {{ . }}
            {{- end }}
          env:
            {{- include "eidetic.environment" . | nindent 12 }}
          resources:
            {{- include "eidetic.resources" $values | nindent 12 }}
          {{- include "eidetic.containerSecurity" . | nindent 10 }}
          {{- include "eidetic.probes" . | nindent 10 }}
          lifecycle:
            preStop:
              sleep:
                seconds: {{ $values.preStopSeconds }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            - name: bundles
              mountPath: /var/cache/eidetic
            {{- if ne $root.Values.model.source "embedded" }}
            - name: model
              mountPath: /models
              readOnly: true
            {{- end }}
            {{- range $folder, $secret := $secretFiles }}
            {{- if $secret }}
            - name: {{ $folder }}
              mountPath: /etc/eidetic/{{ $folder }}
              readOnly: true
            {{- end }}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir:
            sizeLimit: {{ $root.Values.scratch.tmpSize }}
        - name: bundles
          emptyDir:
            sizeLimit: {{ $root.Values.scratch.bundleSize }}
        {{- include "eidetic.modelVolumes" $root | nindent 8 }}
        {{- range $folder, $secret := $secretFiles }}
        {{- if $secret }}
        - name: {{ $folder }}
          secret:
            secretName: {{ $secret }}
            defaultMode: 0440
        {{- end }}
        {{- end }}
{{- end -}}

{{/* Requests and limits, GPUs among them: of those there is nothing between the two. Takes the values of a service. */}}
{{- define "eidetic.resources" -}}
{{- $gpus := dict -}}
{{- if .gpus }}{{ $gpus = dict "nvidia.com/gpu" .gpus }}{{ end -}}
{{- toYaml (dict "requests" (merge (dict) .resources.requests $gpus) "limits" (merge (dict) .resources.limits $gpus)) -}}
{{- end -}}
