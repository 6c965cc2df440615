"""Which requests of people are new, and whom each is recorded as.

A request that was followed, refused or ignored once is not looked at again until its text changes to one that was not
dealt with before: neither a restart nor a later campaign carries out what was refused, nor does a controller that
writes an old value again, whatever stood there meanwhile. Of each verb the latest values are remembered so. A signature
vouches for one request: beside a later one it is stale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count

from earlystop.api.signatures import SUSPEND
from earlystop.api.status.handled_requests import MOST_SPENT
from earlystop.rollout.state import HandledRequest, RolloutState


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for.

    text: of an abort `revision`, of a promotion `revision` or `revision/candidate`; what follows a `#` only makes one
    request differ from another. by: who asks, in words for people, bounded. unverified_by: who that is when the
    signature is not believed. signature: digest of the signature that stands there, "" when there is none.
    """

    text: str
    by: str
    unverified_by: str = ""
    signature: str = ""

    @property
    def revision(self) -> str:
        """The campaign that it is about."""
        return self._named.partition("/")[0]

    @property
    def candidate(self) -> str:
        """The candidate that it names; "" when it names none."""
        return self._named.partition("/")[2]

    @property
    def _named(self) -> str:
        return self.text.partition("#")[0]


NOTHING = Request("", "")


def handled_of(state: RolloutState, verb: str) -> HandledRequest:
    """The latest request of a verb that was dealt with; one without text when there was none."""
    found = (each for each in state.handled if each.verb == verb)
    return next(found, HandledRequest(verb, "", "", ""))


def is_new(state: RolloutState, verb: str, request: Request) -> bool:
    """Whether a request waits to be dealt with."""
    return bool(request.text) and request.text != handled_of(state, verb).text and not is_spent(state, verb, request)


def is_spent(state: RolloutState, verb: str, request: Request) -> bool:
    """Whether a request's text was dealt with earlier, and another one, or none, stood there since."""
    return bool(request.text) and _digest(request.text) in handled_of(state, verb).spent


def unused_text(state: RolloutState, verb: str, text: str, others: Iterable[str] = ()) -> str:
    """The text of a request with a number behind it where it needs one, so that the operator deals with it. others:
    further texts that it must not be."""
    base = text.partition("#")[0]
    used = {*others, handled_of(state, verb).text}
    numbered = (base if number == 1 else f"{base}#{number}" for number in count(1))
    return next(each for each in numbered if each not in used and _digest(each) not in handled_of(state, verb).spent)


def note_handled(state: RolloutState, verb: str, request: Request) -> RolloutState:
    """The state that remembers a request, and who made it; the same state when it does so already.

    A signature that stood beside another request before does not vouch for this one. One that comes later than its
    request vouches for none: the request stays that of the person who made it.
    """
    before = handled_of(state, verb)
    if (request.text, request.signature) == (before.text, before.signature):
        return state
    if request.text == before.text:
        by = before.by
    else:
        stale = bool(request.signature) and request.signature == before.signature
        by = request.unverified_by if stale else request.by
    now = HandledRequest(verb, request.text, request.signature, by, _spent_after(before, verb, request))
    others = tuple(each for each in state.handled if each.verb != verb)
    kept = (now,) if now.text or now.signature or now.spent else ()
    return replace(state, handled=tuple(sorted((*others, *kept), key=lambda each: each.verb)))


def _spent_after(before: HandledRequest, verb: str, request: Request) -> tuple[str, ...]:
    """Digests of the texts that are spent once this request stands there. `spec.suspend` has two values, neither of
    which is ever spent."""
    if verb == SUSPEND or not before.text or request.text == before.text:
        return before.spent
    digest = _digest(before.text)
    return (*(each for each in before.spent if each != digest), digest)[-MOST_SPENT:]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
