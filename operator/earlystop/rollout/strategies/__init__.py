"""How candidates are tried: one file a strategy."""
