"""Who asks for a report, and whether they may read it: the API server answers both, as for kubectl."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from earlystop.controller.cluster import POLICIES, VERDICTS, Cluster, Resource

TOKEN_REVIEWS = Resource("authentication.k8s.io", "v1", "tokenreviews")
ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "subjectaccessreviews")
BEARER = "Bearer "
LONGEST_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whom the API server knows, in the fields that a review of access takes."""

    fields: dict[str, Any]


def token_in(authorization: str) -> str | None:
    """The token of a header `Authorization`; None where it holds none that could be one."""
    token = authorization.removeprefix(BEARER).strip()
    has_token = authorization.startswith(BEARER) and 0 < len(token) <= LONGEST_TOKEN
    return token if has_token and token.isascii() and token.isprintable() and " " not in token else None


async def user_of(cluster: Cluster, token: str) -> User | None:
    """Whose token it is; None for one that the API server does not know. Raises ClusterError."""
    review = {
        "apiVersion": TOKEN_REVIEWS.api_version,
        "kind": "TokenReview",
        "metadata": {},
        "spec": {"token": token},
    }
    status = (await cluster.create(TOKEN_REVIEWS, None, review)).get("status") or {}
    found = status.get("user") or {}
    if status.get("authenticated") is not True or not found.get("username"):
        return None
    fields = {name: found[name] for name in ("groups", "uid", "extra") if found.get(name)}
    return User({"user": found["username"], **fields})


async def may_read(cluster: Cluster, user: User, namespace: str, policy: str) -> bool:
    """Whether a user may get the policy, and list the verdicts that its report is made of. Raises ClusterError."""
    asked = (("get", POLICIES, policy), ("list", VERDICTS, ""))
    for verb, resource, name in asked:
        attributes = {
            "namespace": namespace,
            "verb": verb,
            "group": resource.group,
            "version": resource.version,
            "resource": resource.plural,
            **({"name": name} if name else {}),
        }
        review = {
            "apiVersion": ACCESS_REVIEWS.api_version,
            "kind": "SubjectAccessReview",
            "metadata": {},
            "spec": {**user.fields, "resourceAttributes": attributes},
        }
        status = (await cluster.create(ACCESS_REVIEWS, None, review)).get("status") or {}
        if status.get("allowed") is not True:
            return False
    return True
