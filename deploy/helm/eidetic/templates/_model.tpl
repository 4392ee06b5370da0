{{/* The volumes of the model, if it is not in the image. */}}
{{- define "eidetic.modelVolumes" -}}
{{- $model := .Values.model -}}
{{- if eq $model.source "persistentVolumeClaim" -}}
- name: model
  persistentVolumeClaim:
    claimName: {{ required "model.persistentVolumeClaim.claimName is missing: the claim that holds the model." $model.persistentVolumeClaim.claimName }}
    readOnly: true
{{- else if eq $model.source "image" -}}
- name: model
  image:
    reference: {{ required "model.image.reference is missing: the image whose files are the model." $model.image.reference }}
    pullPolicy: {{ $model.image.pullPolicy }}
{{- else if eq $model.source "download" -}}
- name: model
  emptyDir:
    sizeLimit: {{ $model.download.sizeLimit }}
- name: fetch-model
  configMap:
    name: {{ include "eidetic.fullname" . }}-fetch-model
{{- end -}}
{{- end -}}

{{/* Downloads the model and refuses a byte that is not as its sum says. Takes (dict "root" $ "component" name). */}}
{{- define "eidetic.fetchModel" -}}
- name: fetch-model
  image: {{ include "eidetic.image" . }}
  imagePullPolicy: IfNotPresent
  args:
    - /etc/eidetic/fetch-model/fetch-model.mts
    - /etc/eidetic/fetch-model/files.json
    - {{ include "eidetic.modelPath" .root }}
  resources:
    {{- toYaml .root.Values.model.download.resources | nindent 4 }}
  {{- include "eidetic.containerSecurity" . | nindent 2 }}
  volumeMounts:
    - name: model
      mountPath: /models
    - name: fetch-model
      mountPath: /etc/eidetic/fetch-model
      readOnly: true
{{- end -}}
