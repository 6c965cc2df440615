"""The user's routes and those of others: what hangs on them, and which requests are theirs."""
