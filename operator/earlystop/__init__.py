"""Early-stop rollout operator: tries bolder stop settings on a share of live LLM traffic and keeps what is proven."""

__version__ = "0.1.0"
