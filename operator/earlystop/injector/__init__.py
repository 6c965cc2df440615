"""A proxy before an inference engine: it writes a variant's setting into the body of each request, and counts.

An engine as people run it knows no headers of ours and cannot tell variants apart in its counters. The injector reads
the headers that the overlay sets, so everything else of a rollout stays as it is.
"""
