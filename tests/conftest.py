"""What every test shares: the fixtures of the cluster and of the stage on it, the order of files, no skipped test,
what a run leaves out, no search for cycles among what stays, the same examples of properties in every run.

The fixtures stand here and not in the folders' own conftest.py because `cluster` and `gateway` live as long as the
session: each worker has one of them for the tests of all folders. A folder's own fixtures stand in its conftest.py.
"""

from hypothesis import settings

# A busy machine is no fault of what is tested, and what fails in one run fails in the next: the examples are the same
# each time. `make other-examples` draws others, which is how faults are found that nobody thought of.
settings.register_profile("earlystop", deadline=None, derandomize=True, database=None)
settings.register_profile("other-examples", deadline=None, derandomize=False, database=None, print_blob=True)
settings.load_profile("earlystop")

pytest_plugins = [
    "tests.cluster.fixtures",
    "tests.e2e.fixtures",
    "tests.run_order",
    "tests.no_skips",
    "tests.left_out",
    "tests.garbage",
]
