"""The version of the checks, which changes whenever their limits, their reach or their code does."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from forecast.qc.registry import CHECKS
from forecast.qc.thresholds import Thresholds

# Documents and records keep the version as a signed integer of 32 bits.
_BITS: Final = 31
# The fields of a check that are only for people.
_WORDS: Final = frozenset({"finds", "advice", "french_advice", "warning", "known_as"})


def checks_version(networks: Sequence[object]) -> int:
    """A digest of the registry, of this package's code, and of the networks' declarations about QC (as JSON).

    Texts for people do not count.
    """
    registry = [[check.id, check.reach(check.most), values_of(check.limits), check.most] for check in CHECKS.values()]
    code = [[name, _shape(ast.parse(text))] for name, text in sorted(_sources(files("forecast.qc"), ""))]
    digest = sha256(json.dumps([registry, networks, code]).encode()).digest()
    return int.from_bytes(digest) >> (8 * len(digest) - _BITS)


def values_of(limits: Mapping[str, Thresholds]) -> dict[str, dict[str, float]]:
    """The values of thresholds, without their sources."""
    return {group: {name: limit.value for name, limit in table.items()} for group, table in limits.items()}


def _sources(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    """The modules of a package and its subpackages."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield path + entry.name, entry.read_text("utf-8")


def _shape(tree: ast.Module) -> str:
    """The syntax tree as text, the same in every version of Python: fields that newer ones add are empty if unused."""
    texts: list[str] = []
    _write(tree, texts.append)
    return "".join(texts)


def _write(part: Any, write: Callable[[str], None]) -> None:
    if isinstance(part, list):
        write("[")
        for entry in part:
            if not _is_for_people(entry):
                _write(entry, write)
        write("]")
    elif isinstance(part, ast.AST):
        write(f"{type(part).__name__}(")
        for name in part._fields:
            value = getattr(part, name, None)
            if value is not None and value != []:
                write(f"{name}=")
                _write(value, write)
        write(")")
    else:
        write(f"{part!r};")


def _is_for_people(part: Any) -> bool:
    """Whether this is a docstring or a check's text for people."""
    if isinstance(part, ast.keyword):
        return part.arg in _WORDS
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
