"""The page as text: a Jinja template that escapes all that comes from users, with style and script inside it."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from huskies.statistics import verdicts

_FOLDER = Path(__file__).parent
# How a number is shown; its exact value stands beside it.
KINDS = {
    "count": lambda value: f"{value}",
    "percent": lambda value: f"{value:.1%}".replace("%", "\N{NO-BREAK SPACE}%"),
    "points": lambda value: f"{verdicts.in_points(value):+.1f}",
    "decimals": lambda value: f"{value:.3f}",
    "digits": lambda value: f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}",
    "p": verdicts.p_text,
}


def data_uri(image: bytes, kind: str = "jpeg") -> str:
    """Return a JPEG, or an image of another kind, as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def script_digest(script: str) -> str:
    """Return how a content security policy names a script that may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def plain(value: Any, kind: str = "count") -> Markup:
    """Return a number as one reads it, in an element that has its exact value; a dash where there is none."""
    if value == "":
        return Markup("–")
    shown = KINDS[kind](float(value) if kind != "count" else value)
    return Markup('<data value="{}">{}</data>').format(value, shown)


def number(numbers: dict[str, Any], key: str, kind: str = "count") -> Markup:
    """Return the number that metrics.json has under a dotted key, as `plain` does, with the key beside it."""
    value: Any = numbers
    for part in key.split("."):
        value = value[part]
    return Markup('<data value="{}" data-key="{}">{}</data>').format(value, key, KINDS[kind](value))


def page(template: Path, **facts: Any) -> str:
    """Return the page for what its template names. What is not Markup is escaped, and nothing may be missing.

    All pages extend layout.html, and have its style, its script and the macros of parts.html.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, _FOLDER]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style, script = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return environment.get_template(template.name).render(
        style=Markup(style),
        script=Markup(script),
        script_digest=script_digest(script),
        plain=plain,
        uri=data_uri,
        **facts,
    )
