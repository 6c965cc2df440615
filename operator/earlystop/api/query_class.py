"""Query classes: a promise of its own for each, and how routers and the overlay tell which class a request is of."""

from __future__ import annotations

from pydantic import Field

from earlystop.api.cohorts import FORBIDDEN_HEADERS, HeaderName, HeaderValue
from earlystop.api.values import DecimalText, SettingName, Value, between, rules
from earlystop.api.wire import DEFAULT_PREFIX

MOST_PAIRS = 48
"""Candidates times classes: each has a record of its own in status and verdict."""

PER_CLASS = "(has(self.objective.perClass) && self.objective.perClass)"


class ClassMatch(Value):
    """A header whose value tells that a request is of a class."""

    model_config = rules(
        {
            "rule": f"!(self.header.lowerAscii() in {list(FORBIDDEN_HEADERS)})",
            "messageExpression": "'queryClasses: match.header ' + self.header + ' belongs to the connection or the "
            "body; write a header that your router sets, for example x-query-class'",
        },
        {
            "rule": f"!self.header.lowerAscii().startsWith('{DEFAULT_PREFIX}')",
            "messageExpression": "'queryClasses: match.header ' + self.header + ' is one of the headers that the "
            "overlay sets itself; write a header that your router sets, for example x-query-class'",
        },
    )

    header: HeaderName = Field(
        description="Name of the header, of any case. A router should set it on every request, and take off what a "
        "client sent: who chooses the header chooses the class's setting."
    )
    value: HeaderValue = Field(description="Value of the header, compared exactly.")


class QueryClass(Value):
    """A class of questions with a promise of its own."""

    model_config = rules(between("margin", "0.0", "1.0", "0.03"))

    name: SettingName = Field(description="Value of the query_class label.")
    margin: DecimalText = Field(
        description='Loss of EM that is still acceptable in this class, "0.03" for three points.'
    )
    match: ClassMatch | None = Field(
        None,
        description="How requests of the class are told, with perClass. A request of two classes belongs to the one "
        "that is written first. The server's query_class label has to say the same.",
    )


OBJECTIVE_RULES: tuple[dict[str, str], ...] = (
    {
        "rule": "!has(self.perClass) || !self.perClass"
        " || (has(self.queryClasses) && self.queryClasses.size() > 0 && self.queryClasses.all(c, has(c.match)))",
        "message": "perClass gives each query class a setting of its own; write queryClasses, each with match, for "
        "example {header: x-query-class, value: lookup}",
    },
    {
        "rule": "(has(self.perClass) && self.perClass) || !has(self.queryClasses)"
        " || self.queryClasses.all(c, !has(c.match))",
        "message": "queryClasses: match leads requests of a class to its setting, which only perClass finds; write "
        "perClass: true, or remove match",
    },
    {
        "rule": "!has(self.queryClasses) || self.queryClasses.all(c, !has(c.match) || self.queryClasses.exists_one(o,"
        " has(o.match) && o.match.header.lowerAscii() == c.match.header.lowerAscii()"
        " && o.match.value == c.match.value))",
        "message": "queryClasses: two classes have the same match, so no request could be of the second; write another "
        "header or value",
    },
    {
        "rule": "!has(self.perClass) || !self.perClass || !has(self.requireEach) || !self.requireEach",
        "message": "requireEach asks for one candidate that is proven in every class, and perClass for one that is "
        "proven in each; remove one of the two",
    },
)
"""Rules of an objective about its classes."""

POLICY_RULES: tuple[dict[str, str], ...] = (
    {
        "rule": f"!{PER_CLASS} || self.delivery.mode == 'Shadow'"
        " || (self.delivery.mode == 'GatewayHeader' && self.rollout.strategy == 'ABTest')",
        "messageExpression": "'objective.perClass: delivery.mode ' + self.delivery.mode + ' with rollout.strategy '"
        " + self.rollout.strategy + ' leads no query class to a setting of its own; write delivery.mode Shadow, or '"
        " + 'GatewayHeader with rollout.strategy ABTest, for a server that scores its live answers and counts '"
        " + 'them by class (operator/docs/class-map.md)' + (self.delivery.mode in ['RequestBody', 'GatewayBody'] ?"
        " '; nobody scores the live answers of an engine as it is, so there a setting for each class cannot be had, '"
        " + 'and one for each effort can (operator/docs/effort-map.md)' : '')",
    },
    {
        "rule": f"!{PER_CLASS} || !has(self.candidates) || self.candidates.size() > 1",
        "message": "objective.perClass chooses among several candidates for each class; write at least two",
    },
    {
        "rule": f"!{PER_CLASS} || !has(self.candidates) || !has(self.objective.queryClasses)"
        f" || self.candidates.size() * self.objective.queryClasses.size() <= {MOST_PAIRS}",
        "message": "objective.perClass: each candidate has a record in each query class, and there is room for "
        f"{MOST_PAIRS} of them; write fewer candidates or fewer classes",
    },
    {
        "rule": f"!{PER_CLASS} || !has(self.search)"
        " || (self.search.strategy == 'Grid' && self.delivery.mode == 'Shadow')",
        "messageExpression": "'objective.perClass with search.strategy ' + self.search.strategy + ' and delivery.mode '"
        " + self.delivery.mode + ': only settings that are judged beside each other can be chosen among for each class;"
        " write strategy Grid and mode Shadow, or candidates instead of search'",
    },
    *(
        {
            "rule": f"!{PER_CLASS} || !has(self.delivery.{section}) || !has(self.objective.queryClasses)"
            " || self.objective.queryClasses.all(c, !has(c.match)"
            f" || !c.match.header.lowerAscii().startsWith(self.delivery.{section}.headerPrefix))",
            "message": "queryClasses: a match.header begins with the policy's headerPrefix, as the headers do that the "
            "overlay sets itself; write a header that your router sets, for example x-query-class",
        }
        for section in ("gatewayHeader", "shadow")
    ),
    {
        "rule": f"!{PER_CLASS} || self.rollout.shadowSeconds == 0",
        "message": "objective.perClass: what is proven for a class in shadow is not proven anew on live answers; write "
        "delivery.mode Shadow, or remove rollout.shadowSeconds",
    },
    {
        "rule": f"!{PER_CLASS} || !has(self.baseline.pinned)",
        "message": "baseline.pinned counts the loss of all requests together, and objective.perClass proves settings "
        "for each class; remove one of the two",
    },
)
"""Rules of a policy about classes with settings of their own."""
