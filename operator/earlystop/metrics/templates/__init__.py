"""Counts from counters of others, by queries of a preset or of the source's templates; these may restart."""
