"""How a variant reaches requests: one file a mode; each renders the objects it owns and reads back what is in force."""
