{{/* Name of every object: the release's own when it already says earlystop, else both. */}}
{{- define "earlystop.fullname" -}}
{{- $own := .Values.nameOverride | default "earlystop" -}}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $own) (contains $own .Release.Name) -}}
{{- .Values.fullnameOverride | default $both | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{/* The account by which the operator speaks with the API server; admission policies know the operator by it. */}}
{{- define "earlystop.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "earlystop.fullname" .) -}}
{{- end }}

{{/* What a selector names; it never changes over the life of a release. */}}
{{- define "earlystop.selectorLabels" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default "earlystop" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "earlystop.labels" -}}
{{ include "earlystop.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: earlystop
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Apart from those of the operator, whose Service must not find the evaluator. */}}
{{- define "earlystop.evaluatorLabels" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default "earlystop" }}-evaluator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: evaluator
{{- end }}

{{/* The image of the operator, and of the injectors that it runs. */}}
{{- define "earlystop.image" -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/*
Whether old verdicts are removed: then the operator may delete verdicts, else it may delete nothing. "" for no.
*/}}
{{- define "earlystop.removesVerdicts" -}}
{{- if or (gt (int (.Values.record).keepVerdicts) 0) (gt (int (.Values.record).keepDays) 0) }}true{{ end }}
{{- end }}
