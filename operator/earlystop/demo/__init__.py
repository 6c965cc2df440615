"""A reference inference server, its load and its recordings: what the demo and the tests roll settings out on."""
