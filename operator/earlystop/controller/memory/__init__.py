"""What the operator remembers of one policy between reconciliations: it may be lost at any moment."""
