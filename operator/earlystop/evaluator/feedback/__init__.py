"""The feedback endpoint: votes and labels that come after their answers are counted where the answers were."""
