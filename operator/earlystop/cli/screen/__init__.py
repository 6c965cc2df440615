"""A policy on a terminal: blocks for what it does, how sure it is, what holds it and what happened."""
