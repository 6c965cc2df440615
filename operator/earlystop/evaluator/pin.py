"""How a golden question reaches the variant that it is meant for, and how its answer says which one it was."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from earlystop.api.wire import (
    DEFAULT_PREFIX,
    GOLDEN_HEADER,
    POLICY,
    REVISION,
    SETTING,
    STEP,
    TOKEN,
    UNASSIGNED,
    VARIANT,
)
from earlystop.evaluator.grading import Attribution
from earlystop.exporter.assignment import WORD, is_variant

_STEP = re.compile(r"0|[1-9][0-9]{0,3}", re.ASCII)


class Pin(Protocol):
    """Chooses the headers of a question and reads those of its answer."""

    def request(self, variant: str) -> Mapping[str, str]:
        """Headers of a question that lead it to the variant."""
        ...

    def attribution(self, headers: Mapping[str, str]) -> Attribution | None:
        """Under what the answer with these headers was given, None when it does not say."""
        ...


@dataclass(frozen=True, slots=True)
class RoutePin:
    """Through the gateway: the overlay route has a rule for each value of GOLDEN_HEADER, and it sets the rest.

    Who answered is what the answer's headers `<prefix>revision`, `step` and `variant` say, never a guess: while the
    route changes, two answers may belong to different steps.
    """

    prefix: str = DEFAULT_PREFIX

    def request(self, variant: str) -> Mapping[str, str]:
        """The pin alone; a header of the variant would be overwritten by the gateway anyway."""
        return {GOLDEN_HEADER: str(variant)}

    def attribution(self, headers: Mapping[str, str]) -> Attribution | None:
        """What an answer's headers attribute it to, None unless all three are there and can be labels."""
        revision, step, variant = (headers.get(self.prefix + name, "") for name in (REVISION, STEP, VARIANT))
        if not (WORD.fullmatch(revision) and is_variant(variant) and _STEP.fullmatch(step)) or revision == UNASSIGNED:
            return None
        return Attribution(revision, int(step), variant)


@dataclass(frozen=True, slots=True)
class DirectPin:
    """Straight to the server's Service, with all headers that a gateway would set: where no gateway splits traffic.

    policy: namespace/name; settings: parameter values of each variant, as text; token: the campaign's, without which a
    server takes the request for forged, "" for a campaign that has none.
    """

    policy: str
    revision: str
    step: int
    settings: Mapping[str, Mapping[str, str]]
    prefix: str = DEFAULT_PREFIX
    token: str = field(default="", repr=False)
    _echo: RoutePin = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_echo", RoutePin(self.prefix))

    def request(self, variant: str) -> Mapping[str, str]:
        """All headers by which a server assigns a question to the variant, where no gateway sets them."""
        return {
            GOLDEN_HEADER: str(variant),
            f"{self.prefix}{POLICY}": self.policy,
            f"{self.prefix}{REVISION}": self.revision,
            f"{self.prefix}{STEP}": str(self.step),
            f"{self.prefix}{VARIANT}": str(variant),
            **({f"{self.prefix}{TOKEN}": self.token} if self.token else {}),
            **{f"{self.prefix}{SETTING}{name}": value for name, value in self.settings.get(variant, {}).items()},
        }

    def attribution(self, headers: Mapping[str, str]) -> Attribution | None:
        """As the server says; a server that refused the revision says so, and then the answer counts for nobody."""
        return self._echo.attribution(headers)
