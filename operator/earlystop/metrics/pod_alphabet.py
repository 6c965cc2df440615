"""The characters that Kubernetes generates into names of Pods, as patterns."""

from __future__ import annotations

# k8s.io/apimachinery/pkg/util/rand: no vowels and no 0, 1 and 3, so that no word is generated.
GENERATED = "[bcdfghjklmnpqrstvwxz2456789]"
NUMBER = "(0|[1-9][0-9]*)"
