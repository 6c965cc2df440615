"""Recomputing a verdict from its record alone, under the version of the engine that made it."""
