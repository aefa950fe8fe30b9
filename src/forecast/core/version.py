"""The version of the program: that of the package, and the commit that it was built from or runs from."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

# As many digits as `git describe` gives and GitHub links to.
_COMMIT_LETTERS: Final = 12


def program_version(checkout: Path) -> str:
    """Such as 2.0.0+g1a2b3c4d5e6f (PEP 440, a local version).

    An image is built with its commit in the version. Run from a checkout, the commit is that of its HEAD, whatever was
    changed since; from anywhere else there is none.
    """
    try:
        found = version("forecast")
    except PackageNotFoundError:  # run from a checkout that was never installed
        found = "0"
    if "+" in found or (commit := head_commit(checkout)) is None:
        return found
    return f"{found}+g{commit[:_COMMIT_LETTERS]}"


def head_commit(checkout: Path) -> str | None:
    """The commit of a git checkout's HEAD, read from its files; None if this is not a checkout."""
    try:
        folder = checkout / ".git"
        if folder.is_file():  # in a worktree: "gitdir: PATH"
            folder = checkout / folder.read_text("utf-8").partition(":")[2].strip()
        head = (folder / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        shared = folder / "commondir"
        common = folder / shared.read_text("utf-8").strip() if shared.is_file() else folder
        if (common / name).is_file():
            return (common / name).read_text("utf-8").strip()
        packed = (common / "packed-refs").read_text("utf-8").splitlines()
        return next((line.partition(" ")[0] for line in packed if line.partition(" ")[2] == name), None)
    except (OSError, UnicodeDecodeError):
        return None
