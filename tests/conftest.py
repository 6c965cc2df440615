"""What every test shares: the fixtures of the cluster and of the stage on it, the order of files, no skipped test,
what a run leaves out, no search for cycles among what stays, no example of a property that fails for its time.

The fixtures stand here and not in the folders' own conftest.py because `cluster` and `gateway` live as long as the
session: each worker has one of them for the tests of all folders. A folder's own fixtures stand in its conftest.py.
"""

from hypothesis import settings

# A busy machine is no fault of what is tested.
settings.register_profile("earlystop", deadline=None)
settings.load_profile("earlystop")

pytest_plugins = [
    "tests.cluster.fixtures",
    "tests.e2e.fixtures",
    "tests.run_order",
    "tests.no_skips",
    "tests.left_out",
    "tests.garbage",
]
