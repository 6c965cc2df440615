"""Talking to Prometheus: the client, its transport and address, what an answer may look like, and typed failures."""
