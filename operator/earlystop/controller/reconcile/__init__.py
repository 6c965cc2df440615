"""One policy at a time: what the operator remembers of it, checks, stores and records."""
