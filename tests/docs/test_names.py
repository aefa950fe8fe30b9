"""Names of code in the documentation exist: paths and modules on every page, other names on those for developers."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import Final

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# The changelog tells of what was.
PAGES = sorted({*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "terraform" / "README.md"} - {ROOT / "CHANGELOG.md"})
FOR_DEVELOPERS = [
    ROOT / "CONTRIBUTING.md",
    *(DOCS / f"{name}.md" for name in ("adding-a-network", "api", "architecture", "development", "versioning")),
    *sorted((DOCS / "decisions").glob("*.md")),
]
# Those that name tests as well.
_ON_TESTS = {"CONTRIBUTING.md", "development.md"}
# Names of other programs.
_FOREIGN: Final = {"IfMatch", "NaN", "decode_all", "ignore_changes", "insert_many"}
_FOLDERS = r"(?:src|docs|tests|bench|terraform|docker|\.github|\.ci|forecast|forecast_ops|forecast_demo)/"
_PATH = re.compile(rf"{_FOLDERS}[\w./*-]*|[\w./-]+\.py")
_MODULE = re.compile(r"(?:forecast|forecast_ops|forecast_demo)(?:\.\w+)+")
_CALL = re.compile(r"(\w+)\(.*\)")
_MEMBER = re.compile(r"([A-Z]\w+)\.(\w+)")
# CamelCase, UPPER_CASE and snake_case; a single word may be anything.
_NAME = re.compile(r"_?[A-Z][a-z]+(?:[A-Z]\w*)+|_?[A-Za-z]\w*_\w+")


def named(page: Path) -> list[str]:
    """What stands in backticks on a page, outside of its blocks of code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return list(dict.fromkeys(re.findall(r"`([^`\n]+)`", text)))


def is_there(path: str, page: Path) -> bool:
    """Whether a path exists, from the root, the sources or the page; a bare name may be anywhere below src."""
    if "/" not in path:
        return any((ROOT / "src").rglob(path))
    return any(
        any(base.glob(path.rstrip("/"))) for base in (ROOT, ROOT / "src", ROOT / "src" / "forecast", page.parent)
    )


def is_importable(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def defined(*folders: str) -> frozenset[str]:
    """The names that modules below these folders define."""
    return frozenset().union(*map(_defined_below, folders))


@cache
def _defined_below(folder: str) -> frozenset[str]:
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return frozenset(found)


@cache
def words_of_the_program() -> frozenset[str]:
    """Every word of the program: fields, settings and columns are names that no module defines."""
    folders = [path for pattern in ("*.py", "*.json") for path in (ROOT / "src").rglob(pattern)]
    texts = [path.read_text("utf-8") for path in (*folders, ROOT / "Makefile", ROOT / ".env.example")]
    return frozenset(re.findall(r"\w+", " ".join(texts)))


def is_known(name: str, known: frozenset[str]) -> bool:
    """Whether a name of code is one; anything that is no name of code passes."""
    if call := _CALL.fullmatch(name):
        return call[1] in known
    if member := _MEMBER.fullmatch(name):
        return {member[1], member[2]} <= known
    if not _NAME.fullmatch(name) or name in _FOREIGN:
        return True
    return name in known or ("_" in name and name in words_of_the_program())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_and_module_that_a_page_names_exists(page: Path) -> None:
    names = named(page)
    assert [name for name in names if _PATH.fullmatch(name) and not is_there(name, page)] == []
    assert [name for name in names if _MODULE.fullmatch(name) and not is_importable(name)] == []


# All code is parsed for it.
@pytest.mark.whole
@pytest.mark.parametrize("page", FOR_DEVELOPERS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_name_of_code_on_a_page_for_developers_is_in_the_code(page: Path) -> None:
    known = defined("src", "docs", "tests") if page.name in _ON_TESTS else defined("src", "docs")
    assert [name for name in named(page) if not is_known(name, known)] == []


@pytest.mark.whole
@pytest.mark.parametrize(
    "name", ["ObjectRejectedErrors", "convert_column", "convert_columns(cells)", "Stager.stage_all", "MAX_ROWS_BYTES"]
)
def test_a_name_that_is_not_in_the_code_is_found(name: str) -> None:
    assert not is_known(name, defined("src"))


def test_a_path_and_a_module_that_are_not_there_are_found() -> None:
    assert not is_there("src/forecast/lease.py", DOCS / "architecture.md")
    assert not is_there("lease.py", DOCS / "architecture.md")
    assert not is_importable("forecast.mongo.lease")
