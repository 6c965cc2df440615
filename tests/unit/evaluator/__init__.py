"""The evaluator: golden questions, scores, and pairs that are counted once."""
