"""Notifies receivers outside of the cluster of what happened to a policy."""
