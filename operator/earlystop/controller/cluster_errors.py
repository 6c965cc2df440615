"""What the Kubernetes API refuses, apart from the client, which takes a third of a second to load."""

from __future__ import annotations

from typing import Self

UNAUTHORIZED, FORBIDDEN, GONE = 401, 403, 410
NAMESPACE_ENDS = "because it is being terminated"
"""How an API server ends its sentence on an object that may no longer be made, since its namespace was deleted
(admission plugin NamespaceLifecycle)."""


class ClusterError(Exception):
    """The Kubernetes API refused a request or failed.

    status: HTTP status, 0 when there was no answer. message: the API's own words.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(f"Kubernetes API: {status or 'no answer'}: {message}")

    @property
    def namespace_ends(self) -> bool:
        """Whether nothing may be made there any more, since the namespace was deleted."""
        return self.status == FORBIDDEN and NAMESPACE_ENDS in self.message

    def without(self, secret: str) -> Self:
        """The same error, without a secret of the object that the API or a webhook repeats in its words."""
        return type(self)(self.status, self.message.replace(secret, "(secret)") if secret else self.message)


class Conflict(ClusterError):
    """The object changed since it was read, or a new one's name is taken (409)."""


class NotFound(ClusterError):
    """There is no such object (404)."""


class Expired(ClusterError):
    """The revision that a list or a watch was to go on from is forgotten (410)."""

    def __init__(self, status: int, message: str, rest: str = "") -> None:
        """rest: what asks for the rest of a list as it is now, "" where the API offers none."""
        self.rest = rest
        super().__init__(status, message)


KINDS: dict[int, type[ClusterError]] = {404: NotFound, 409: Conflict}
