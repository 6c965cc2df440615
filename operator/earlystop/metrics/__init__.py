"""Exact counts from a metrics source, or a typed reason why there are none."""
