"""A search as a sequence of trials, each a campaign: what each may use, what came of it, and which is next."""
