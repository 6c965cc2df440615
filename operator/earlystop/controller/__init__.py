"""Kopf handlers, the scheduler, and everything that reads or writes the cluster."""

from earlystop.controller.lazy_modules import UNUSED_PARTS, load_at_first_use

# Before any module of this package imports the library.
load_at_first_use(UNUSED_PARTS)
