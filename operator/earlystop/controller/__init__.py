"""Kopf handlers, the scheduler, and everything that reads or writes the cluster."""

from earlystop.controller.lazy_modules import (
    DATES,
    ENCODINGS,
    PATCHES,
    PLUGINS,
    READ_DATE,
    UNUSED_PARTS,
    YAML,
    load_at_first_use,
    load_when_asked,
    load_when_called,
    load_when_more_than_its_version_is_asked,
)

# Before any module of this package imports the libraries.
load_at_first_use((*UNUSED_PARTS, PATCHES))
load_when_more_than_its_version_is_asked(ENCODINGS)
load_when_asked(YAML)
load_when_asked(PLUGINS, get_plugins=tuple)
load_when_called(DATES, READ_DATE)
