{{/* Arguments of a bundled server. Takes (dict "root" $ "role" "queue" or "cache"). */}}
{{- define "eidetic.redisArguments" -}}
{{- $redis := index .root.Values.redis .role -}}
- --port
- "6379"
- --dir
- /data
- --save
- ""
- --maxmemory
- {{ $redis.maxMemoryMiB }}mb
{{- if eq .role "queue" }}
# Nothing is forgotten, and what was promised outlives a restart.
- --maxmemory-policy
- noeviction
- --appendonly
- "yes"
- --appendfsync
- everysec
{{- else }}
- --maxmemory-policy
- allkeys-lfu
- --appendonly
- "no"
{{- end }}
# Network policies say who may connect, not addresses.
- --protected-mode
- "no"
{{- if $redis.passwordSecret }}
- --requirepass
- $(REDISCLI_AUTH)
{{- end }}
{{- end -}}

{{/* A Redis server that the chart brings along. Takes (dict "root" $ "role" "queue" or "cache"). */}}
{{- define "eidetic.redisServer" -}}
{{- $root := .root -}}
{{- $redis := index $root.Values.redis .role -}}
{{- $of := dict "root" $root "component" (printf "redis-%s" .role) -}}
{{- $memory := ternary (mul 2 (int $redis.maxMemoryMiB)) (div (mul 5 (int $redis.maxMemoryMiB)) 4) (eq .role "queue") | add 64 -}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "eidetic.metadata" $of | nindent 2 }}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Service
metadata:
  {{- include "eidetic.metadata" $of | nindent 2 }}
spec:
  selector:
    {{- include "eidetic.selectorLabels" $of | nindent 4 }}
  ports:
    - name: redis
      port: 6379
      targetPort: redis
      appProtocol: redis
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "eidetic.metadata" $of | nindent 2 }}
spec:
  replicas: 1
  serviceName: {{ include "eidetic.fullname" $root }}-redis-{{ .role }}
  selector:
    matchLabels:
      {{- include "eidetic.selectorLabels" $of | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "eidetic.labels" $of | nindent 8 }}
    spec:
      serviceAccountName: {{ include "eidetic.fullname" $root }}-redis-{{ .role }}
      {{- include "eidetic.podBasics" (dict "root" $root "values" $root.Values.redis) | nindent 6 }}
      terminationGracePeriodSeconds: 30
      containers:
        - name: redis
          image: {{ $root.Values.redis.image }}
          imagePullPolicy: IfNotPresent
          command: [redis-server]
          args:
            {{- include "eidetic.redisArguments" . | nindent 12 }}
          {{- with $redis.passwordSecret }}
          env:
            - name: REDISCLI_AUTH
              valueFrom:
                secretKeyRef:
                  name: {{ . }}
                  key: password
          {{- end }}
          ports:
            - name: redis
              containerPort: 6379
          resources:
            requests: { cpu: {{ $redis.cpu }}, memory: {{ $memory }}Mi }
            limits: { cpu: "1", memory: {{ $memory }}Mi }
          {{- include "eidetic.containerSecurity" . | nindent 10 }}
          # Reading the log of a large queue takes its time.
          startupProbe:
            exec:
              command: [redis-cli, ping]
            periodSeconds: 5
            timeoutSeconds: 3
            failureThreshold: 60
          readinessProbe:
            exec:
              command: [redis-cli, ping]
            periodSeconds: 5
            timeoutSeconds: 3
            failureThreshold: 2
          livenessProbe:
            tcpSocket:
              port: redis
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          volumeMounts:
            - name: data
              mountPath: /data
      {{- if not $redis.storage }}
      volumes:
        - name: data
          emptyDir:
            sizeLimit: {{ mul 3 (int $redis.maxMemoryMiB) }}Mi
      {{- else }}
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: Retain
    whenScaled: Retain
  volumeClaimTemplates:
    - metadata:
        name: data
        labels:
          {{- include "eidetic.selectorLabels" $of | nindent 10 }}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with $redis.storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ $redis.storage }}
      {{- end }}
{{ end -}}
