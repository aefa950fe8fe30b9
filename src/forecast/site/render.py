"""Renders templates. All values are escaped, except what forecast.site.svg generates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from forecast.core.text import escaped
from forecast.report.headline import GRACE
from forecast.site.model import Site
from forecast.site.words import LANGUAGES, Language

_FOLDER: Final = Path(__file__).parent
STATIC: Final = _FOLDER / "static"
_DIGEST_LETTERS: Final = 10
TIMES: Final = "times.js"


@dataclass(frozen=True, slots=True)
class Section:
    """A page in the navigation."""

    name: str
    title: str


SECTIONS: Final = (
    Section("index", "Overview"),
    Section("stations", "Stations"),
    Section("quality", "Quality"),
    Section("latency", "Latency"),
    Section("quarantine", "Quarantine"),
    Section("ingestion", "Ingestion"),
)


def page_name(name: str, language: Language) -> str:
    """The file of a page; the English one has no language in its name."""
    return f"{name}.html" if language is LANGUAGES[0] else f"{name}.{language.code}.html"


def render(template: str, version: str, language: Language, name: str, values: Mapping[str, Any]) -> bytes:
    """A page; `name` is its file without language and ending, with its folder, `version` the program's."""
    up = "../" * name.count("/")
    file = name.rpartition("/")[2]
    other = next(one for one in LANGUAGES if one is not language)
    whole = {
        "version": version,
        "lang": language,
        "t": language.t,
        "up": up,
        "name": name,
        "section": "stations" if name.startswith("station/") else name,
        "sections": [(section, up + page_name(section.name, language)) for section in SECTIONS],
        "other": other,
        "other_page": page_name(file, other),
        "page": lambda to: up + page_name(to, language),
        "asset": lambda asset: f"{up}static/{asset}?{asset_version(asset)}",
        "times": TIMES,
        **values,
    }
    return _environment().get_template(f"{template}.html").render(whole).encode("utf-8")


def with_times(site: Site, values: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a page, with its age and the time of the next run."""
    return {"site": site, "grace_seconds": round(GRACE.total_seconds()), **values}


def times_script(site: Site) -> bytes:
    """`forecastTimes`: the same for the pages of stations, in each language, so that these need not change."""
    template = _environment().get_template("age.html")
    words = {
        language.code: template.render(with_times(site, {"lang": language, "t": language.t})) for language in LANGUAGES
    }
    return f"var forecastTimes={json.dumps(words, separators=(',', ':'))};\n".encode()


@cache
def asset_version(asset: str) -> str:
    """A value that changes with a file, so that browsers do not combine an old one with a new page."""
    return sha256((STATIC / asset).read_bytes()).hexdigest()[:_DIGEST_LETTERS]


@cache
def files_digest() -> str:
    """A digest of templates, styles and scripts, on which every page depends."""
    files = sorted([*(_FOLDER / "templates").iterdir(), *STATIC.iterdir()])
    return sha256(b"".join(sha256(path.read_bytes()).digest() for path in files)).hexdigest()


@cache
def _environment() -> Environment:
    return Environment(
        autoescape=True,
        loader=FileSystemLoader(_FOLDER / "templates"),
        finalize=_visible,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _visible(value: Any) -> Any:
    """Escape characters that change the direction of writing and the like, wherever they come from."""
    return escaped(value) if isinstance(value, str) and not isinstance(value, Markup) else value
