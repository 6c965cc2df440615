"""The record of decisions over the lifetimes of policies: its chain, what retention removes of it, what it says."""
