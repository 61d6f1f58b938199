{{- define "berth.name" -}}
{{- printf "%s" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "berth.selector" -}}
app.kubernetes.io/name: berth
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "berth.labels" -}}
{{ include "berth.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "berth.config" -}}
version: 0.1
storage:
  filesystem: {rootdirectory: /var/lib/registry}
http:
  addr: :5000
  draintimeout: {{ .Values.drainSeconds }}s
  debug:
    addr: :5001
    prometheus: {enabled: true}
{{- if .Values.tls.secretName }}
  tls: {certificate: /etc/berth-tls/tls.crt, key: /etc/berth-tls/tls.key}
{{- end }}
{{- end -}}
