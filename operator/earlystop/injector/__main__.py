"""`python -m earlystop.injector` runs the injector: a parent, and a worker that it starts by the same command."""

import os
import sys

from earlystop.injector import parent

if parent.LINK in os.environ:
    from earlystop.injector.main import main

    main()
else:
    sys.exit(parent.main())
