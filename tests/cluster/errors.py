"""The one exception of the cluster kit."""

from __future__ import annotations


class ClusterError(RuntimeError):
    """A part of the test cluster could not be found, started or reached; the message says which and what to do."""
