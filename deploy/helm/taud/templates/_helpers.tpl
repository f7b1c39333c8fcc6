{{/* The name of everything: the release's, with the chart's where that is not in it. */}}
{{- define "taud.name" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "taud.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "taud.labels" -}}
{{ include "taud.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "taud.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* taud.yaml: what was given, and what the rest of the chart relies on. */}}
{{- define "taud.config" -}}
{{- $fixed := dict "server" (dict "grpc_address" "0.0.0.0:50051" "http_address" "0.0.0.0:9464") "store" (dict "data_dir" "/var/lib/taud") -}}
{{- if dig "size" "" (.Values.audit | default dict) -}}
{{- $_ := set $fixed "audit" (dict "file" "/var/log/taud/audit.log") -}}
{{- end -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.config) $fixed) -}}
{{- end -}}

{{- define "taud.secret" -}}
{{- default (include "taud.name" .) .Values.existingSecret -}}
{{- end -}}
