"""A candidate's own Deployment: the target's Pods, copied, with a parameter's value changed."""
