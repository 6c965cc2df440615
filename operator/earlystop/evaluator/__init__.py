"""The evaluator: asks golden questions of both variants and scores their answers."""
