"""Verdicts in the form of earlier releases, in which a test can change one count."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from earlystop.api.look_table import as_rows
from earlystop.rollout.verdict import digest_of


def in_rows(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict's spec as the API server gives it, with its looks as rows of numbers and the digest of that."""
    record = as_rows(spec)
    for name in ("others", "classes"):
        if name in record:
            record[name] = [as_rows(each) for each in record[name]]
    record.pop("numberOfLooks", None)
    found: dict[str, Any] = json.loads(json.dumps(record))
    return {**found, "digest": digest_of(found)}


def object_in_rows(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a whole object."""
    return {**manifest, "spec": in_rows(manifest["spec"])}
