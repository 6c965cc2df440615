"""`python -m earlystop.controller` runs the operator."""

from earlystop.controller.main import main

main()
