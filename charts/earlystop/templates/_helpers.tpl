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

{{/*
Matchers of the series of this release's operator, as `namespace="a", service="b"`; "" where nobody says which they are. A
ServiceMonitor gives each series the namespace and the name of the Service that it was scraped by.
*/}}
{{- define "earlystop.operatorMatchers" -}}
{{- $labels := .Values.metrics.alerts.matchLabels -}}
{{- if and (not $labels) .Values.metrics.serviceMonitor.enabled -}}
{{- $labels = dict "namespace" .Release.Namespace "service" (printf "%s-metrics" (include "earlystop.fullname" .)) -}}
{{- end -}}
{{- $matchers := list -}}
{{- range $name, $value := $labels }}{{ $matchers = append $matchers (printf "%s=%q" $name $value) }}{{ end -}}
{{- $matchers | join ", " -}}
{{- end }}

{{/*
Matchers of the series of this release's policies, whose label `namespace` is their own; "" where it serves all.
*/}}
{{- define "earlystop.policyMatchers" -}}
{{- with .Values.watchNamespaces -}}
namespace=~"{{ join "|" . }}"
{{- end -}}
{{- end }}

{{/* A query, in which each metric whose name begins with `prefix` has `matchers` as well. */}}
{{- define "earlystop.scopedQuery" -}}
{{- $query := .query -}}
{{- if .matchers -}}
{{- $query = regexReplaceAll (printf "(%s[a-z_]+)[{]" .prefix) $query (printf "${1}{%s, " .matchers) -}}
{{- $query = regexReplaceAll (printf "(%s[a-z_]+)([^a-z_{]|$)" .prefix) $query (printf "${1}{%s}${2}" .matchers) -}}
{{- end -}}
{{- $query -}}
{{- end }}

{{/* files/alerts.yaml, about this release's operator and policies alone. */}}
{{- define "earlystop.alerts" -}}
{{- $path := "operator/docs/runbooks.md" -}}
{{- $rules := .Files.Get "files/alerts.yaml" | replace $path (.Values.metrics.alerts.runbookUrl | default $path) | fromYaml -}}
{{- $operator := dict "prefix" "earlystop_operator_" "matchers" (include "earlystop.operatorMatchers" .) -}}
{{- $policies := dict "prefix" "earlystop_(?:policy|injector)_" "matchers" (include "earlystop.policyMatchers" .) -}}
{{- range $group := $rules.groups }}{{ range $rule := $group.rules -}}
{{- $query := include "earlystop.scopedQuery" (merge (dict "query" $rule.expr) $operator) -}}
{{- $_ := set $rule "expr" (include "earlystop.scopedQuery" (merge (dict "query" $query) $policies)) -}}
{{- end }}{{ end -}}
{{- $rules | toYaml -}}
{{- end }}
