"""Evidence: from the counts of two variants to e-values, intervals and a verdict; pure functions alone."""
