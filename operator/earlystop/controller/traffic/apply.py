"""Writing the operator's own objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from earlystop.controller.cluster import (
    BY_KIND,
    READ_BY_PATCH,
    TIMED_OUT,
    TIMEOUT_SECONDS,
    Cluster,
    ClusterError,
    Conflict,
    Manifest,
    NotFound,
)
from earlystop.delivery.alias_service import without_outdated
from earlystop.delivery.drift import content
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.orphans import field_manager
from earlystop.delivery.ownership import is_part
from earlystop.delivery.routes.carried_metadata import updated_metadata

# Kinds of which the server fixes fields at creation; they stay when the spec is replaced.
MERGED_KINDS = frozenset({"Service"})
INTERNAL_ERROR = 500
UNANSWERED = (
    f"there was no answer within {TIMEOUT_SECONDS:.0f} s, as where the API server waits for an admission webhook"
)
# Parts of the metadata that others write to as well.
NAMED = ("labels", "annotations")
# Of the metadata of an object that is written by server-side apply.
APPLIED = ("name", "namespace", "labels", "ownerReferences")


class WriteRefused(ClusterError):
    """The API server, or an admission webhook, refuses a write, and will refuse it again until somebody changes that.
    Its message begins with the object."""


def is_refusal(error: ClusterError) -> bool:
    """Whether an error says that a request is not allowed or not valid: neither that the object has changed or is gone,
    nor that there was no answer. A webhook that must be asked and does not answer is an internal error to the API
    server, and as lasting."""
    if error.status == INTERNAL_ERROR and "webhook" in error.message:
        return True
    return 400 <= error.status < 500 and not isinstance(error, Conflict | NotFound) and error.status not in (404, 409)


@contextmanager
def refusals_named(manifest: Manifest) -> Iterator[None]:
    """A refusal of what is written inside becomes a WriteRefused that names the object. So does a write that is not
    answered: whoever reads the policy's status learns that reads are."""
    try:
        yield
    except ClusterError as error:
        late = (error.status, error.message) == (0, TIMED_OUT)
        if not late and not is_refusal(error):
            raise
        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        raise WriteRefused(error.status, f"{name}: {UNANSWERED if late else error.message}") from None


async def write_all(cluster: Cluster, inputs: ClusterInputs, manifests: Iterable[Manifest]) -> None:
    """Create or replace these objects, one after another. Raises WriteRefused when one is refused,
    another ClusterError when the API fails."""
    for manifest in manifests:
        observed = inputs.own(manifest["kind"], manifest["metadata"]["name"])
        with refusals_named(manifest):
            if is_part(manifest) or BY_KIND[manifest["kind"]] in READ_BY_PATCH:
                await _write_part(cluster, inputs.uid, observed, manifest)
            else:
                await _write(cluster, observed, manifest)


async def replace_all(cluster: Cluster, inputs: ClusterInputs, manifests: Iterable[Manifest]) -> None:
    """Replace these objects if they are still as they were read.

    Raises Conflict when one has changed since, WriteRefused when one is refused, another ClusterError when the API
    fails.
    """
    for manifest in manifests:
        with refusals_named(manifest):
            if is_part(manifest) or BY_KIND[manifest["kind"]] in READ_BY_PATCH:
                observed = inputs.own(manifest["kind"], manifest["metadata"]["name"])
                await _write_part(cluster, inputs.uid, observed, manifest)
            else:
                await cluster.replace(BY_KIND[manifest["kind"]], manifest["metadata"]["namespace"], manifest)


async def _write_part(cluster: Cluster, uid: str, observed: Manifest | None, part: Manifest) -> None:
    """Write some fields of a user's object, or an object of the operator's own of a kind that it reads and writes by
    patches, if it is still as it was read: what stands there now was found to be the policy's own. Raises Conflict when
    it has changed since; then it is decided on anew."""
    version = {} if observed is None else {"resourceVersion": observed["metadata"].get("resourceVersion", "")}
    namespace = part["metadata"]["namespace"]
    metadata = {key: part["metadata"][key] for key in APPLIED if key in part["metadata"]}
    named = {**part, "metadata": {**metadata, **{key: text for key, text in version.items() if text}}}
    await cluster.apply(BY_KIND[part["kind"]], namespace, named, field_manager(uid))


async def _write(cluster: Cluster, observed: Manifest | None, desired: Manifest) -> None:
    """Create or replace one object. After a conflict it is read again: gateways write a route's status too."""
    resource = BY_KIND[desired["kind"]]
    namespace, name = desired["metadata"]["namespace"], desired["metadata"]["name"]
    for _ in range(5):
        try:
            if observed is None:
                await cluster.create(resource, namespace, desired)
            else:
                await cluster.replace(resource, namespace, _updated(observed, desired))
            return
        except (Conflict, NotFound):
            observed = await cluster.get(resource, namespace, name)
    raise ClusterError(409, f"{desired['kind']} {name} changes faster than it can be written")


def _updated(observed: Manifest, desired: Manifest) -> Manifest:
    """The observed object with the desired content, labels, annotations and owners."""
    fields = content(desired)
    if desired["kind"] in MERGED_KINDS:
        observed = without_outdated(observed, desired)
        fields = {name: {**observed.get(name, {}), **value} for name, value in fields.items()}
    return {**observed, **fields, "metadata": updated_metadata(observed["metadata"], desired["metadata"])}
