"""Made-up traffic through the very same evidence and rollout, and the arithmetic of planning."""
