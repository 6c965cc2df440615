"""Whom a kubeconfig acts as. The client library leaves that out, and would act with all rights of who logged in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from kubernetes.aio.config import ConfigException

USER, UID, GROUPS, EXTRA = "as", "as-uid", "as-groups", "as-user-extra"
IN_A_NAME = "!#$&'*+-.^_`|~"
"""Beside letters and digits, those of a header's name; the API server reads others of a key percent-encoded."""


def impersonation_headers(user: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The headers by which the API server takes a request as another user's, as kubectl sends them; none where the
    kubeconfig names nobody. user: the kubeconfig's user.

    Raises ConfigException for a UID, groups or extras without a user, which kubectl refuses as well, and for what is no
    text: left out, the request would have other rights than were written.
    Source: kubernetes.io/docs/reference/access-authn-authz/authentication, "User impersonation".
    """
    if not user.get(USER):
        if any(user.get(each) for each in (UID, GROUPS, EXTRA)):
            raise ConfigException(f"the user has {UID}, {GROUPS} or {EXTRA}, and no {USER}: whose they are is not said")
        return ()
    headers = tuple(_headers(user))
    if not all(isinstance(value, str) for _, value in headers):
        raise ConfigException(f"{USER}, {UID}, {GROUPS} and {EXTRA} of the user are not all text")
    return headers


def _headers(user: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Impersonate-User", user[USER]
    if user.get(UID):
        yield "Impersonate-Uid", user[UID]
    groups, extras = user.get(GROUPS) or [], user.get(EXTRA) or {}
    if not isinstance(groups, list) or not isinstance(extras, dict) or not all(map(_is_list, extras.values())):
        raise ConfigException(f"{GROUPS} of the user is no list, or {EXTRA} holds what is none")
    for group in groups:
        yield "Impersonate-Group", group
    for key, values in extras.items():
        for value in values:
            yield f"Impersonate-Extra-{quote(str(key), safe=IN_A_NAME)}", value


def _is_list(value: object) -> bool:
    return isinstance(value, list)
