"""What an API server checks of a value beyond the types of its fields: defaults, keys of lists, and rules in CEL.

Both the schema and its rules are those of the CustomResourceDefinition, so that an offline check never differs from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

from earlystop.cli.failure import CommandFailure, sentence

Schema = dict[str, Any]


def with_defaults(schema: Schema, value: Any) -> Any:
    """The value with the defaults of its schema, as an API server stores it.

    A field that is null is dropped, and gives way to a default; 5.0 is 5 where a whole number belongs.
    """
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        given = {name: each for name, each in value.items() if each is not None or name not in fields}
        missing = {name: deepcopy(each["default"]) for name, each in fields.items() if "default" in each}
        return {name: with_defaults(fields.get(name, {}), each) for name, each in {**missing, **given}.items()}
    if isinstance(value, list):
        return [with_defaults(schema.get("items", {}), each) for each in value]
    is_whole = schema.get("type") == "integer" and isinstance(value, float) and value.is_integer()
    return int(value) if is_whole else value


def broken_rules(schema: Schema, value: Any, where: str) -> Iterator[str]:
    """A sentence for each rule of a schema, and of what is below it, that a value breaks. The value fits its types.

    What is deepest comes first, since rules above it often break for the same cause.
    """
    for path, below in _children(value, where):
        part = schema.get("items") if isinstance(value, list) else schema.get("properties", {}).get(_last(path))
        if part is not None:
            yield from broken_rules(part, below, path)
    yield from _repeated_keys(schema, value, where)
    for rule in schema.get("x-kubernetes-validations", ()):
        if "oldSelf" not in rule["rule"] and _evaluated(rule["rule"], value) is not True:
            yield sentence(f"{where}: {_message(rule, value)}")


def _children(value: Any, where: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(f"{where}.{name}", below) for name, below in value.items()]
    return [(f"{where}[{index}]", below) for index, below in enumerate(value)] if isinstance(value, list) else []


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _repeated_keys(schema: Schema, value: Any, where: str) -> Iterator[str]:
    """Items of a list whose key another item before them has already."""
    names = schema.get("x-kubernetes-list-map-keys")
    if not names or not isinstance(value, list):
        return
    seen = set()
    for index, each in enumerate(value):
        key = tuple(str(each.get(name)) for name in names)
        if key in seen:
            told = ", ".join(f"{name} {part}" for name, part in zip(names, key, strict=True))
            yield f"{where}[{index}]: another item has the {told} already; write each once."
        seen.add(key)


def _message(rule: Schema, value: Any) -> str:
    """The sentence of a rule: its own, or one that is made of the value."""
    made = _evaluated(rule["messageExpression"], value) if "messageExpression" in rule else None
    return made if isinstance(made, str) and made else str(rule.get("message", f"breaks the rule {rule['rule']}"))


def _evaluated(expression: str, value: Any) -> Any:
    """What an expression says of a value; None when it cannot be evaluated, which an API server takes for broken."""
    context = _engine().Context({"self": value})
    try:
        program, functions = _compiled(expression)
        for name, function in functions.items():
            context.add_function(name, function)
        return program.execute(context)
    except (ValueError, TypeError, RuntimeError):
        return None


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "lowerAscii": str.lower,
    "join": lambda texts, between: between.join(texts),
    "isSorted": lambda numbers: list(numbers) == sorted(numbers),
}
"""The functions that Kubernetes adds to the language, as far as the rules use them."""


@cache
def _compiled(expression: str) -> tuple[Any, dict[str, Callable[..., Any]]]:
    """A rule, parsed once although it is asked of many values, and those of Kubernetes' functions that it calls. Raises
    ValueError for a text that is no expression."""
    program = _engine().compile(expression)
    return program, {name: _FUNCTIONS[name] for name in program.functions() if name in _FUNCTIONS}


@cache
def _engine() -> ModuleType:
    """The module `cel.cel`, without its package: that imports a command line and its toolkit for prompts, 0.2 s of CPU,
    before anything is checked. Raises CommandFailure where it is not installed, as in the operator's image."""
    package = find_spec("cel")
    spec = None if package is None else PathFinder.find_spec("cel.cel", package.submodule_search_locations)
    if spec is None or spec.loader is None:
        raise CommandFailure("common-expression-language is not installed here; run pip install . in the repository.")
    engine = module_from_spec(spec)
    spec.loader.exec_module(engine)
    return engine
