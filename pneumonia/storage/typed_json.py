"""JSON files as frozen dataclasses: one schema, and one sentence where a file is wrong.

Written by hand, as training has to run where there is nothing but PyTorch: no pydantic.
"""

import json
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pneumonia.storage.atomic import write_json

T = TypeVar("T")


class FormatError(ValueError):
    """A file that is not what its schema says; ``str(error)`` says which field and why."""


def check(sensible: bool, where: str, value: object) -> None:
    """For a dataclass's ``__post_init__``.

    Raises:
        FormatError: the value is not sensible.
    """
    if not sensible:
        raise FormatError(f"its {where} makes no sense ({value})")


def load(schema: type[T], path: str | Path) -> T:
    """A JSON file as the dataclass ``schema``; fields that it does not name are passed over.

    Raises:
        OSError: the file cannot be read.
        FormatError: a field is missing, of another type or makes no sense.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise FormatError(f"it is not JSON ({error})") from error
    return _parse(schema, content, "")


def save(path: str | Path, content: Any) -> None:
    """Write a dataclass; what nobody knows (None) is left out."""
    write_json(path, asdict(content, dict_factory=_without_none))


def _without_none(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if value is not None}


def _parse(kind: Any, value: Any, where: str) -> Any:
    """A JSON value as the type that the schema names; ``where`` is its place in the file."""
    outer, within = get_origin(kind) or kind, get_args(kind)
    if outer is Any:
        return value
    if outer is UnionType:  # only ever "X | None"
        return None if value is None else _parse(within[0], value, where)
    if outer is float and type(value) is int:
        return float(value)
    expected = dict if is_dataclass(outer) else list if outer is tuple else outer
    if type(value) is not expected:  # so that True is no number
        names = {dict: "a group of fields", list: "a list"}
        name = names.get(expected, f"of type {outer.__name__}")
        raise FormatError(f"its {where or 'content'} should be {name}, not {value!r}")
    if is_dataclass(outer):
        return _group(outer, value, f"{where}." if where else "")
    if outer is dict:
        return {name: _parse(within[1], item, f"{where}.{name}") for name, item in value.items()}
    if outer is tuple:
        if within[-1] is not ... and len(value) != len(within):
            raise FormatError(f"its {where} should hold {len(within)} values, not {len(value)}")
        return tuple(_parse(within[0], item, where) for item in value)
    return value


def _group(schema: Any, value: dict[str, Any], prefix: str) -> Any:
    required = {f.name for f in fields(schema) if f.default is f.default_factory is MISSING}
    if missing := required - value.keys():
        raise FormatError(f"it lacks the field {prefix}{min(missing)}")
    types = get_type_hints(schema)
    return schema(**{n: _parse(types[n], value[n], prefix + n) for n in types if n in value})
