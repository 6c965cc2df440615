"""A certificate holds for what it was made on, and lapses when that changes: pure."""
