"""Variants that the injector draws itself, by weights in a mounted file: then no gateway has to set a header."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from multidict import CIMultiDictProxy

from earlystop.api.wire import BASELINE, GOLDEN_HEADER, IN_FORCE_MARK, is_signed
from earlystop.exporter.choice import Choice, unassigned_choice
from earlystop.exporter.export import Exporter
from earlystop.exporter.request_headers import Assigned
from earlystop.exporter.settings import MountedSettings

API_KEY_HEADERS = ("authorization", "x-api-key")
KINDS = ("Header", "Cookie", "ApiKey")

Headers = CIMultiDictProxy[str]


@dataclass(frozen=True, slots=True)
class UserKey:
    """What tells whose request one is. kind: one of `KINDS`. name: of the header or cookie, "" for an API key."""

    kind: str
    name: str = ""

    def of(self, headers: Headers) -> str | None:
        """Whose request has these headers; None where they do not say, or say it twice."""
        match self.kind:
            case "Header":
                return _single(headers, self.name)
            case "Cookie":
                return _cookie(headers, self.name)
        return next((key for name in API_KEY_HEADERS if (key := _single(headers, name))), None)


def _single(headers: Headers, name: str) -> str | None:
    values = headers.getall(name, [])
    return values[0] if len(values) == 1 else None


def _cookie(headers: Headers, name: str) -> str | None:
    """A client may send its cookies in several headers, and a proxy joins or splits them."""
    found: set[str] = set()
    for each in headers.getall("cookie", []):
        # Pair by pair: what another application has put there may be no cookie to the letter.
        for pair in each.split(";"):
            cookie = SimpleCookie()
            try:
                cookie.load(pair.strip())
            except CookieError:
                continue
            found |= {morsel.value for key, morsel in cookie.items() if key == name}
    return found.pop() if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class DrawingSettings:
    """weights: the mounted file. policy: whose weights these are, as namespace/name. user_key: None where each request
    is drawn by itself."""

    weights: str | os.PathLike[str]
    policy: str
    user_key: UserKey | None = None


class Drawing:
    """How the variant and the setting of each request are drawn. parameters: names of those that this injector can
    write into bodies."""

    def __init__(self, settings: DrawingSettings, exporter: Exporter, parameters: Collection[str]) -> None:
        self._mounted = MountedSettings(settings.weights, settings.policy, exporter)
        self._user_key = settings.user_key
        self._parameters = frozenset(parameters)

    def assigned(self, headers: Headers) -> tuple[Assigned, bool]:
        """What a request gets, and whether it is an evaluator's question, which names its variant. None that users do
        not get may be named, or clients could leave the count."""
        named = headers.getall(GOLDEN_HEADER, [])
        in_use = self._mounted.in_use
        if len(named) == 1 and in_use - {BASELINE} and named[0] in in_use | {BASELINE}:
            choice = self._mounted.choice_of(named[0])
            if choice is not None:
                return self._assigned_by(choice), True
        user = self._user_key.of(headers) if self._user_key is not None else None
        return self._assigned_by(self._mounted.choose(user=user)), False

    def probed(self, headers: Headers, nonce: str) -> tuple[Assigned, str] | None:
        """What the operator's probe of a variant gets, and its nonce with the mark of the overlay: that alone leads
        requests here. None for a probe that no operator made, or of a campaign of which nothing was read yet."""
        named = headers.getall(GOLDEN_HEADER, [])
        choice = self._mounted.choice_of(named[0] if len(named) == 1 else BASELINE)
        if choice is None or not is_signed(choice.assignment.token, nonce):
            return None
        return self._assigned_by(choice), nonce.removesuffix(IN_FORCE_MARK) + IN_FORCE_MARK

    def _assigned_by(self, choice: Choice) -> Assigned:
        """As a request's headers would say it. Where this injector has no field for a value, it can serve none of the
        variants, and counts for no one."""
        if choice.values.keys() <= self._parameters:
            return Assigned(choice.assignment, choice.values)
        return Assigned(unassigned_choice(choice.assignment.policy).assignment)
