"""Settings of delivery modes in which headers say what a request gets: a gateway's, or an injector's behind it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.body_knobs import Engine
from earlystop.api.cohorts import CohortsInBodies, own_header_rule
from earlystop.api.injector import InjectorSpec, ServicePort, UserKey
from earlystop.api.values import ObjectName, Value, rules
from earlystop.api.wire import DEFAULT_PREFIX

HeaderPrefix = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z][-a-z0-9]*-$")]


class RouteReference(Value):
    """An HTTPRoute in the policy's namespace. It is read, never changed."""

    name: ObjectName = Field(description="Name of the HTTPRoute that leads to the target.")


class ByHeaders(Value):
    """What all modes have in common in which headers say what a request gets."""

    header_prefix: HeaderPrefix = Field(
        DEFAULT_PREFIX, description="Beginning of every header that carries a setting, with its final hyphen."
    )


class ByRoute(ByHeaders):
    """What all modes have in common that reach requests by an overlay of the user's route."""

    route_ref: RouteReference = Field(description="The HTTPRoute that leads to the target.")


class RequestBody(ByHeaders):
    """A setting in the JSON body of each request, written by an injector that the operator runs before the engine."""

    model_config = rules(
        {
            "rule": "has(self.routeRef) != has(self.serviceRef)",
            "message": "delivery.mode RequestBody needs delivery.requestBody with a routeRef, or, where no route leads "
            "to the engine, with split: Injector and a serviceRef; write one of them",
        },
        {
            "rule": "self.split == 'Injector' || !has(self.serviceRef) && !has(self.userKey)",
            "message": "requestBody.serviceRef and requestBody.userKey are for an injector that draws the variant; "
            "write split: Injector, or remove them",
        },
        {
            "rule": "!has(self.cohort) || self.split == 'Gateway'",
            "message": "requestBody.cohort: the gateway tells cohorts apart, and no variant is drawn; remove split: "
            "Injector, or cohort",
        },
        own_header_rule("requestBody.cohort", "self.cohort", "!has(self.cohort) || "),
    )

    route_ref: RouteReference | None = Field(None, description="The HTTPRoute that leads to the target.")
    service_ref: ServicePort | None = Field(
        None,
        description="Without a route: the Service before the engine. Clients then use the injector's Service, which "
        "the condition TrafficApplied names and which goes with the policy.",
    )
    split: Literal["Gateway", "Injector"] = Field(
        "Gateway",
        description="Who draws the variant of a request. Gateway: the gateway does, and the overlay's headers on each "
        "backend say which. Injector: the injector does, by weights in a file that the operator writes; then "
        "the gateway needs no filters on backends.",
    )
    cohort: CohortsInBodies | None = Field(
        None,
        description="Instead of weights: a variant for each cohort of users, told apart by a header that requests "
        "already carry, as delivery.mode HeaderCohort has it. All other rules of that mode hold.",
    )
    user_key: UserKey | None = Field(
        None,
        description="With split: Injector, what each request's variant is hashed from, so that a user keeps one for as "
        "long as the weights allow. Requests without it get the baseline and are not counted. Absent: each request "
        "is drawn by itself.",
    )
    engine: Engine = Field(
        description="Whose fields are meant: VLLM, SGLang, LlamaCpp, or OpenAI for what its API names."
    )
    injector: InjectorSpec = Field(InjectorSpec(), description="The injector's Pods.")
