"""Run while the operator's image is built, never in it: what the image needs of its base, and the list of what it holds."""
