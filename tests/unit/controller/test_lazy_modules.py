"""What the operator does not use of its libraries is not loaded with it, and still there for whoever asks for it."""

from __future__ import annotations

import pytest

from tests.unit.controller.interpreters import run

HEAVY = (
    *("kubernetes.config.kube_config", "oauthlib", "requests_oauthlib", "websocket"),
    *("charset_normalizer.api", "dateutil.tz", "yaml.scanner", "difflib"),
    *("jinja2", "numpy", "rich", "scipy", "typer"),
)
"""What `kubernetes` loads with itself: its synchronous client's parts, and what they load in turn. What other libraries
do. What commands, reports and some searches need."""


@pytest.mark.slow
def test_the_operator_loads_nothing_heavy_that_most_operators_never_use() -> None:
    program = f"import sys, earlystop.controller.main; print([each for each in {HEAVY} if each in sys.modules])"
    assert run(program) == "[]"


@pytest.mark.slow
def test_a_part_that_is_asked_for_is_loaded_then() -> None:
    program = (
        "import sys, earlystop.controller.main, kubernetes;"
        "kind = type(kubernetes.watch.Watch).__name__;"
        "print(kind, kubernetes.config.load_kube_config.__name__, 'oauthlib' in sys.modules)"
    )
    assert run(program) == "type load_kube_config True"


@pytest.mark.slow
def test_what_compares_objects_for_patches_is_loaded_when_two_are_compared_and_no_plugins_are_looked_for() -> None:
    program = (
        "import sys, earlystop.controller.main;"
        "from earlystop.api.values import Value;"
        "Value.model_rebuild(force=True);"
        "plugins = 'entry_points' in dir(sys.modules['pydantic.plugin._loader']);"
        "before = type(sys.modules['jsonpatch']).__name__;"
        "import jsonpatch;"
        "print(before, plugins, jsonpatch.JsonPatch.from_diff({}, {'a': 1}).patch)"
    )
    assert run(program) == "_LazyModule False [{'op': 'add', 'path': '/a', 'value': 1}]"


def test_modules_of_other_names_are_found_as_before() -> None:
    program = (
        "from earlystop.controller.lazy_modules import load_at_first_use;"
        "load_at_first_use(['no.such.module', 'colorsys']);"
        "import sys, colorsys, tabnanny;"
        "print(type(colorsys).__name__, type(tabnanny).__name__, colorsys.rgb_to_hsv(0, 0, 0))"
    )
    assert run(program) == "_LazyModule module (0.0, 0.0, 0)"


@pytest.mark.slow
def test_what_guesses_encodings_is_loaded_when_a_text_without_one_is_asked_for_and_not_before() -> None:
    program = (
        "import sys, warnings; warnings.simplefilter('error');"
        "import earlystop.controller.main, requests;"
        "before = 'charset_normalizer.api' in sys.modules;"
        "answer = requests.Response(); answer._content = 'Grüße aus Köln, schöne Bücher für Ärzte'.encode();"
        "text = answer.text;"
        "print(before, text.split(',')[0], 'charset_normalizer.api' in sys.modules)"
    )
    assert run(program) == "False Grüße aus Köln True"


def test_a_library_of_which_the_version_alone_was_known_is_whole_for_whoever_imports_it_later() -> None:
    program = (
        "import earlystop.controller, charset_normalizer;"
        "from charset_normalizer import from_bytes, __version__;"
        "import charset_normalizer.api;"
        "from importlib.metadata import version;"
        "print(__version__ == version('charset_normalizer'), from_bytes is charset_normalizer.api.from_bytes)"
    )
    assert run(program) == "True True"


@pytest.mark.slow
def test_yaml_is_loaded_when_some_is_read_and_by_whoever_imports_a_name_of_it() -> None:
    program = (
        "import sys, earlystop.controller.main, yaml;"
        "before = 'yaml.scanner' in sys.modules;"
        "first = yaml.safe_load('a: [1]');"
        "from yaml import SafeDumper, safe_load;"
        "import yaml as whole, yaml.nodes;"
        "print(before, first, safe_load is yaml.safe_load, whole.SafeDumper is SafeDumper, yaml.nodes.Node.__name__)"
    )
    assert run(program) == "False {'a': [1]} True True Node"


@pytest.mark.slow
def test_what_reads_dates_is_loaded_when_one_is_read_and_by_whoever_imports_another_name_of_it() -> None:
    program = (
        "import sys, earlystop.controller.main;"
        "from kubernetes.aio.client import ApiClient, Configuration;"
        "from dateutil.parser import parse;"
        "before = 'dateutil.tz' in sys.modules;"
        "found = ApiClient._ApiClient__deserialize_datetime(None, '2026-01-02T03:04:05Z');"
        "from dateutil.parser import ParserError, parse as whole;"
        "print(before, found.isoformat(), whole('2 Jan 2026').day, ParserError.__name__, whole is not parse)"
    )
    assert run(program) == "False 2026-01-02T03:04:05+00:00 2 ParserError True"


def test_a_library_that_is_not_installed_is_missed_as_before() -> None:
    program = (
        "from earlystop.controller.lazy_modules import load_when_asked;"
        "load_when_asked('no_such_library')\n"
        "try:\n    import no_such_library\nexcept ModuleNotFoundError as error:\n    print(error.name)"
    )
    assert run(program) == "no_such_library"
