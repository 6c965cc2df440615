"""Kopf handlers, the scheduler, and everything that reads or writes the cluster."""
