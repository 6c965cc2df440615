"""What answers of the Kubernetes API say beside objects."""

from __future__ import annotations

from earlystop.api.json_once import read_any_json
from earlystop.controller.cluster_errors import GONE, KINDS, ClusterError, Expired
from earlystop.controller.resources import Manifest

NOT_A_STATUS = "the answer was not a Kubernetes Status"
"""Stands for the message of an answer that holds none."""


def preferred_first(group: Manifest) -> list[str]:
    """The versions of a group, the preferred one first."""
    preferred = group.get("preferredVersion", {}).get("version")
    return sorted((each["version"] for each in group["versions"]), key=lambda version: version != preferred)


class NoKubernetesApi(ValueError):
    """Something else than a Kubernetes API answers, such as a login page."""


def object_in(data: bytes) -> Manifest:
    """The object, or the list of objects, in an answer. Raises NoKubernetesApi for anything else."""
    try:
        found = read_any_json(data)
    except ValueError:
        raise NoKubernetesApi("the answer is no JSON") from None
    items = (found.get("items") or []) if isinstance(found, dict) else None  # Go writes a list without any as null
    if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
        raise NoKubernetesApi("the answer is no object")
    answer: Manifest = found
    return answer


def page_in(answer: Manifest) -> tuple[list[Manifest], str]:
    """The objects of a page of a list, each with its metadata, and what asks for the next page, "" for none. Raises
    NoKubernetesApi for an answer that is no list."""
    metadata = answer.get("metadata")
    if "items" not in answer or not isinstance(metadata, dict):
        raise NoKubernetesApi("the answer is no list")
    items = answer["items"] or []
    if not all(isinstance(each.get("metadata"), dict) for each in items):
        raise NoKubernetesApi("an object of the list has no metadata")
    return items, str(metadata.get("continue") or "")


def message_in(data: bytes) -> str:
    """The message of a Status object; some other text for an answer of a proxy on the way."""
    try:
        return str(read_any_json(data)["message"])
    except (ValueError, KeyError, TypeError):
        return NOT_A_STATUS


def error_in(status: int, data: bytes) -> ClusterError:
    """The error of an answer with a status of 400 or more."""
    if status == GONE:
        return Expired(status, message_in(data), _rest_in(data))
    return KINDS.get(status, ClusterError)(status, message_in(data))


def _rest_in(data: bytes) -> str:
    """What a Status object says to ask for the rest of a list with, "" where it says nothing of that."""
    try:
        return str(read_any_json(data)["metadata"]["continue"] or "")
    except (ValueError, KeyError, TypeError):
        return ""
