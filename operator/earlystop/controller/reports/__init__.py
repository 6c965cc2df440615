"""Reports of verdicts, served to whoever may read the policy."""
