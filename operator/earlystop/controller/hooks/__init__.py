"""Telling receivers outside of the cluster what happened to a policy."""
