"""`python -m earlystop.cli` is `kubectl earlystop`, as from a checkout without an installation."""

from earlystop.cli.main import run

run()
