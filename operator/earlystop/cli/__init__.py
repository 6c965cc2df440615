"""kubectl-earlystop."""
