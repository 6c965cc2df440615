"""The library for inference servers: it counts requests by the convention.

Servers carry it, so it imports `api/wire` and nothing else of ours.
"""
