"""The metric sources that are declared in the cluster."""

from __future__ import annotations

from earlystop.api.source import SourceSpec

SOURCES = {"default": SourceSpec.model_validate({"url": "http://prometheus:9090"})}
