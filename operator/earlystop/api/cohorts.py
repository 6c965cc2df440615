"""Cohorts of users, told apart by a header that their requests already carry."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from earlystop.api.values import SettingName, Value, rules
from earlystop.api.wire import DEFAULT_PREFIX

# A token of RFC 9110, as Gateway API takes it.
HeaderName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]+$")]
HeaderValue = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]([ -~]*[!-~])?$")]

# Of one connection, or rewritten on the way; content-type is what an overlay may match on itself.
FORBIDDEN_HEADERS = (
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade", "host", "content-length", "content-type"),
)

IN_BODIES = "has(self.delivery.requestBody) && has(self.delivery.requestBody.cohort)"
"""CEL, in a rule of the whole policy, for whether cohorts have their settings in bodies."""
HAS_COHORTS = f"(self.delivery.mode == 'HeaderCohort' || {IN_BODIES})"
"""CEL, in a rule of the whole policy, for whether it compares cohorts of users."""


def cohort_rules(where: str) -> tuple[dict[str, str], ...]:
    """Rules of an object with `header` and `cohorts`. where: the object's path below `delivery`."""
    return (
        {
            "rule": f"!(self.header.lowerAscii() in {list(FORBIDDEN_HEADERS)})",
            "messageExpression": f"'{where}.header: ' + self.header + ' belongs to the connection or the body; "
            "write a header of your own, for example x-user-cohort'",
        },
        {
            "rule": "self.cohorts.exists(c, c.variant == 'baseline')",
            "message": f"{where}.cohorts: write a cohort for the variant baseline",
        },
        {
            "rule": "self.cohorts.all(c, c.values.all(v, self.cohorts.exists_one(o, o.values.exists(w, w == v))"
            " && c.values.exists_one(w, w == v)))",
            "message": f"{where}.cohorts overlap; write each value once, in the cohort of one variant",
        },
    )


def own_header_rule(where: str, cohorts: str = "self", unless: str = "") -> dict[str, str]:
    """The rule that cohorts are told by no header of the overlay's, of an object with `headerPrefix`.

    where: path of the cohorts below `delivery`. cohorts: CEL for them. unless: CEL with its operator for when there are
    none.
    """
    header = f"{cohorts}.header"
    return {
        "rule": f"{unless}!{header}.lowerAscii().startsWith('{DEFAULT_PREFIX}')"
        f" && !{header}.lowerAscii().startsWith(self.headerPrefix)",
        "messageExpression": f"'{where}.header: ' + {header} + ' is one of the headers that the overlay "
        "sets itself; write a header that clients send, for example x-user-cohort'",
    }


def variant_rules(where: str, unless: str) -> tuple[dict[str, str], ...]:
    """Rules of the whole policy that its cohorts are those of its variants. unless: CEL for when there are none."""
    cohorts = f"self.delivery.{where}.cohorts"
    return (
        {
            "rule": f"{unless} || !has(self.candidates)"
            f" || {cohorts}.all(c, c.variant == 'baseline' || self.candidates.exists(o, o.name == c.variant))",
            "message": f"{where}.cohorts: each variant is baseline or the name of a candidate",
        },
        {
            "rule": f"{unless} || !has(self.candidates)"
            f" || self.candidates.all(o, {cohorts}.exists(c, c.variant == o.name))",
            "message": f"{where}.cohorts: write a cohort for every candidate",
        },
    )


class Cohort(Value):
    """Whose requests get a variant: those with one of these values of the cohorts' header."""

    variant: SettingName = Field(description='"baseline" or the name of a candidate.')
    values: Annotated[tuple[HeaderValue, ...], Field(min_length=1, max_length=16)] = Field(
        description="Values of the header, compared exactly."
    )


class Cohorts(Value):
    """A variant for each cohort of users, and the header by which a cohort is told."""

    header: HeaderName = Field(description="Header whose value tells the cohort, for example x-user-cohort.")
    cohorts: Annotated[
        tuple[Cohort, ...], Field(min_length=2, max_length=11, json_schema_extra={"x-list-map-key": "variant"})
    ] = Field(description="One cohort for the baseline and for each candidate.")


class CohortsInBodies(Cohorts):
    """The same in mode RequestBody, where an injector writes each cohort's setting into bodies."""

    model_config = rules(*cohort_rules("requestBody.cohort"))
