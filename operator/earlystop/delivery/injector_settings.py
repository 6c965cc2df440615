"""What an injector is told of a policy's parameters: which fields of a body each one sets."""

from __future__ import annotations

from typing import Any

from earlystop.api.policy import PolicySpec


def injector_settings(spec: PolicySpec) -> dict[str, Any]:
    """The settings as `injector.settings.WrittenSettings` reads them."""
    request_body = spec.delivery.request_body
    assert request_body is not None  # the CRD demands it for this mode
    parameters = [{"name": each.name, "knob": "AnswerCap"} for each in spec.parameters]
    return {"engine": request_body.engine, "parameters": parameters}
