"""`python -m earlystop.injector` runs the injector."""

from earlystop.injector.main import main

main()
