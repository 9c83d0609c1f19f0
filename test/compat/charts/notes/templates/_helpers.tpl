{{- define "notes.labels" -}}
app.kubernetes.io/name: notes
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "notes.once" -}}
restartPolicy: Never
containers:
  - name: once
    image: {{ .image }}
    command: [sh, -c, "exit {{ .exit }}"]
{{- end -}}
