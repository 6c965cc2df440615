"""Exact counts from counters of the convention, which never restart within a series."""
