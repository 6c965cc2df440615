"""What the operator makes for an injector, where it stands, and what is told of it."""
