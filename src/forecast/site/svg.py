"""SVG and HTML elements from Python; all values are escaped."""

from __future__ import annotations

import itertools

from markupsafe import Markup, escape

from forecast.core.text import escaped

Child = str | Markup
_DIGITS = 1


def tag(name: str, *children: Child, **attributes: str | float | None) -> Markup:
    """An element; `class_` is the attribute class, `view_box` viewBox, `text_anchor` text-anchor; None is left out."""
    opened = "".join(
        f' {_attribute(key)}="{escape(_text(value))}"' for key, value in attributes.items() if value is not None
    )
    inner = "".join(child if isinstance(child, Markup) else escape(escaped(child)) for child in children)
    return Markup(f"<{name}{opened}>{inner}</{name}>")  # noqa: S704  name is ours, the rest is escaped above


def path(points: list[tuple[float, float]], *, closed: bool = False) -> str:
    """The `d` of a line through points, in relative steps, which are half as long as absolute coordinates."""
    if not points:
        return ""
    rounded = [(round(x, _DIGITS), round(y, _DIGITS)) for x, y in points]
    parts = [f"M{number(rounded[0][0])} {number(rounded[0][1])}"]
    for (x0, y0), (x1, y1) in itertools.pairwise(rounded):
        parts.append(f"l{number(x1 - x0)} {number(y1 - y0)}")
    return "".join(parts) + ("z" if closed else "")


def number(value: float) -> str:
    """A coordinate, as short as it can be."""
    text = f"{value:.{_DIGITS}f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _attribute(key: str) -> str:
    special = {"view_box": "viewBox", "preserve_aspect_ratio": "preserveAspectRatio"}
    return special.get(key) or key.rstrip("_").replace("_", "-")


def _text(value: str | float) -> str:
    return number(value) if isinstance(value, float) else escaped(str(value))
