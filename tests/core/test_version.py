"""Documents name the program that wrote them: its version and its commit."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

import forecast
from forecast.core import version as version_module
from forecast.core.version import head_commit, program_version

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"


def checkout(folder: Path, head: str, **files: str) -> Path:
    git = folder / ".git"
    for name, content in {"HEAD": head, **files}.items():
        path = git / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_the_version_names_the_commit_of_a_checkout(tmp_path: Path) -> None:
    made = checkout(tmp_path, "ref: refs/heads/main\n", refs__heads__main=f"{COMMIT}\n")
    assert program_version(made) == f"{version('forecast').partition('+')[0]}+g1a2b3c4d5e6f"


def test_a_commit_is_found_packed_detached_and_in_a_worktree(tmp_path: Path) -> None:
    packed = f"# pack-refs with: peeled\n{'0' * 40} refs/heads/other\n{COMMIT} refs/heads/main\n"
    assert head_commit(checkout(tmp_path / "a", "ref: refs/heads/main\n", **{"packed-refs": packed})) == COMMIT
    assert head_commit(checkout(tmp_path / "b", f"{COMMIT}\n")) == COMMIT
    tree = tmp_path / "tree"
    tree.mkdir()
    of_tree = tmp_path / "a" / ".git" / "worktrees" / "tree"
    of_tree.mkdir(parents=True)
    (of_tree / "HEAD").write_text("ref: refs/heads/main\n")
    (of_tree / "commondir").write_text("../..\n")
    (tree / ".git").write_text(f"gitdir: {of_tree}\n")
    assert head_commit(tree) == COMMIT


def test_without_a_checkout_the_version_is_the_packages(tmp_path: Path) -> None:
    assert program_version(tmp_path) == version("forecast")
    assert head_commit(checkout(tmp_path, "ref: refs/heads/main\n")) is None


def test_a_package_that_was_built_with_its_commit_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_module, "version", lambda _name: "2.0.0+gfedcba987654")
    made = checkout(tmp_path, f"{COMMIT}\n")
    assert program_version(made) == "2.0.0+gfedcba987654"


def test_this_program_names_the_commit_that_git_names() -> None:
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    if asked.returncode:
        pytest.skip("the tests are not run in a checkout")
    assert forecast.__version__.endswith(f"+g{asked.stdout[:12]}")
