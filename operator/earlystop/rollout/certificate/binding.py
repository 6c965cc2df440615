"""What a certificate is bound to: digests of what the setting was proven on, in a size that does not grow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from earlystop.api.body_knobs import Engine
from earlystop.api.body_settings import body_settings, written_settings
from earlystop.api.parameters import Parameter
from earlystop.api.policy import PolicySpec


class Part(StrEnum):
    """What a certificate is bound to, the most informative first: a new model usually comes with a new template."""

    MODEL = "Model"
    IMAGES = "Images"
    TEMPLATE = "Template"
    PARAMETERS = "Parameters"
    SCORER = "Scorer"
    QUESTIONS = "Questions"


@dataclass(frozen=True, slots=True)
class Binding:
    """What was found at a moment of what a certificate depends on.

    at: Unix second at which it was read. target: name of the target's Deployment. template: digest of its Pod template
    without images and model label. images: digest of its containers' images. model: its Pods' label of the model, ""
    for none. parameters: digest of what the parameters mean. scorer, questions: digests that the policy's evaluators
    export, "" where nobody knows them: none of them says so, they differ, or the certificate does not rest on them.
    """

    at: int
    target: str
    template: str
    images: str
    model: str
    parameters: str
    scorer: str = ""
    questions: str = ""

    def knows(self, part: Part) -> bool:
        """Whether it was found out what this part is; of evaluators that may be missing, nobody knows it."""
        return not (part is Part.SCORER and not self.scorer) and not (part is Part.QUESTIONS and not self.questions)


@dataclass(frozen=True, slots=True)
class Lapse:
    """What is not as it was certified. at: Unix second at which that was seen first. since: since when it is as it is
    now. is_back: whether all is as it was certified again; `changed` then says what was another last. moments:
    since when each part of `changed` is another, Unix seconds; empty where an earlier release has stored the lapse."""

    changed: tuple[Part, ...]
    at: int
    since: int
    is_back: bool = False
    moments: tuple[int, ...] = ()

    def moment_of(self, part: Part) -> int | None:
        """Since when a part is another, Unix seconds; None where it is not."""
        moments = self.moments or (self.since,) * len(self.changed)
        return dict(zip(self.changed, moments, strict=True)).get(part)


def changed_parts(before: Binding, now: Binding) -> tuple[Part, ...]:
    """What is another now than when a setting was certified. What is unknown at either time is no change."""
    compared = {
        Part.MODEL: before.model == now.model,
        Part.IMAGES: before.images == now.images,
        Part.TEMPLATE: before.template == now.template,
        Part.PARAMETERS: before.parameters == now.parameters,
        Part.SCORER: before.scorer == now.scorer,
        Part.QUESTIONS: before.questions == now.questions,
    }
    return tuple(part for part, is_same in compared.items() if not is_same and before.knows(part) and now.knows(part))


def with_later_known(bound: Binding, found: Binding) -> Binding:
    """What a certificate is bound to, with what was unknown when it was made and was found since; the same one where
    nothing was."""
    scorer, questions = bound.scorer or found.scorer, bound.questions or found.questions
    is_same = (scorer, questions) == (bound.scorer, bound.questions)
    return bound if is_same else replace(bound, scorer=scorer, questions=questions)


def digest_of_parameters(spec: PolicySpec, names: Collection[str]) -> str:
    """Digest of where these parameters stand in requests and what the engine understands by them. A parameter's bounds,
    and one that the certified setting does not name, change nothing of it. One that the spec no longer has differs."""
    delivery, parameters = spec.delivery, [each for each in spec.parameters if each.name in names]
    meaning: dict[str, Any] = {
        "mode": delivery.mode,
        "parameters": {
            each.name: [each.type, None if each.body is None else each.body.model_dump(mode="json")]
            for each in parameters
        },
    }
    if delivery.workload is not None:
        settings = [each.model_dump(mode="json") for each in delivery.workload.settings if each.parameter in names]
        meaning["workload"] = [delivery.workload.container, settings]
    if delivery.in_bodies is not None:
        # What a knob's name means is this release's knowledge of the engine.
        meaning["engine"] = delivery.in_bodies.engine.value
        meaning["fields"] = _fields(parameters, delivery.in_bodies.engine)
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _fields(parameters: Sequence[Parameter], engine: Engine) -> dict[str, Any] | None:
    """Where each parameter goes in the bodies of each API; None where this release knows of no such place."""
    try:
        written = body_settings(written_settings(parameters, engine))
    except ValueError:
        return None
    return {
        name: [
            setting.type.value,
            setting.apply.value,
            setting.pattern,
            {api.value: [".".join(each.path) for each in fields] for api, fields in setting.fields.items()},
        ]
        for name, setting in written.items()
    }
