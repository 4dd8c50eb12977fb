"""article: all that the article shows, made anew, with our number beside its own and why they differ, as one page."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup
from ruamel.yaml import YAML

from huskies.article import page_rows, seeds, traps
from huskies.article.numbers import Found, Number, Table
from huskies.job import Job
from huskies.page import template

PAGE, TABLE = "article.html", "article.csv"
TEXTS = Path("workflow/article/rows.yaml")
FLAGS = Path("workflow/article/retrain_flags.csv")
TEMPLATE = Path(__file__).parent / "article.html"

COLUMNS = ["row", "what", "article", "ours", "low", "high", "unit", "note"]
_UNITS = {"percent": "fraction", "points": "difference of fractions"}

MISSING = (
    "Not made: the photos of flowers are missing, for what article.flowers names in params.yaml is not there. Get them "
    "from Kaggle (kaggle datasets download --path data olgabelitskaya/flower-color-images), or set article.flowers to "
    "where they are, and run the same command again."
)
_MAKERS = {
    "polynomials": page_rows.of_polynomials,
    "noise": page_rows.of_noise,
    "label_safety": page_rows.of_label_safety,
    "flowers": seeds.of_flowers,
    "gradient_descent": seeds.of_gradient_descent,
    "distorted": page_rows.of_distorted,
    "leaky": seeds.of_leaky,
    "prefix_mode": seeds.of_prefix_mode,
    "old_bottlenecks": traps.of_old_bottlenecks,
    "tuning": traps.of_tuning,
}


@dataclass(frozen=True)
class Row:
    """A row of the page: its texts of rows.yaml, and what it has found, or None where the flowers are missing."""

    texts: Mapping[str, Any]
    found: Found | None

    def said(self, name: str) -> str:
        """Return the text `ours` or `why` with the row's facts in it."""
        return self.texts[name].format(**self.found.facts)


def of_retrain(flags: Sequence[Mapping[str, str]]) -> Found:
    """Return the table of retrain.py's flags; flags: rows of retrain_flags.csv."""
    named = [each for each in flags if each["flag"].startswith("--")]
    numbers = [
        Number("flags", len(named), "count"),
        Number(
            "flags that a key of params.yaml does", sum(bool(each["keys"]) for each in named), "count", leading=True
        ),
    ]
    heads = ["Flag, or what it does", "Default", "Our keys, or what there is instead", "What is different"]
    cells = [
        [each["flag"], each["default"], each["keys"].replace(" ", ", ") or each["instead"], each["difference"]]
        for each in flags
    ]
    return Found(numbers, tables=[Table("retrain.py and this workflow", heads, cells)])


def make_row(texts: Mapping[str, Any], inputs: Mapping[str, Path], flags: Sequence[Mapping[str, str]]) -> Row:
    """Return a row, made from its inputs; texts: an entry of rows.yaml."""
    if texts.get("flowers") and not any(key.startswith("flowers/") for key in inputs):
        return Row(texts, None)
    if texts["row"] == "retrain":
        return Row(texts, of_retrain(flags))
    if "link" in texts:
        return Row(texts, Found([]))
    reported = [texts["reported"]["value"]] if "value" in texts["reported"] else []
    return Row(texts, _MAKERS[texts["row"]](inputs, *reported))


def table(rows: Sequence[Row]) -> pd.DataFrame:
    """Return COLUMNS, one row for each number, and one for each row of the page that has none, with the reason."""
    lines = []
    for row in rows:
        of_row = {"row": row.texts["row"], "what": row.texts["title"], "article": row.texts["reported"].get("value")}
        if row.found is None or not row.found.numbers:
            lines.append({**of_row, "note": row.texts.get("link", MISSING)})
        for each in row.found.numbers if row.found else []:
            numbers = {"article": each.article, "ours": each.ours, "low": each.low, "high": each.high}
            unit = {"unit": _UNITS.get(each.kind, ""), "note": each.note}
            lines.append({**of_row, "what": each.what, **numbers, **unit})
    return pd.DataFrame(lines, columns=COLUMNS).round(6)


def page(rows: Sequence[Row], backbones: Sequence[tuple[str, str]]) -> str:
    """Return the page; backbones: (name, what it is) of those that the rows on flowers were made with."""
    return template.page(TEMPLATE, rows=rows, missing=MISSING, backbones=backbones, svg=Markup)


def run(job: Job) -> str:
    """Fill job.output with article.html and article.csv; return a line on them."""
    texts = YAML(typ="safe").load(TEXTS.read_text(encoding="utf-8"))
    with open(FLAGS, newline="", encoding="utf-8") as file:
        flags = list(csv.DictReader(file))
    rows = [make_row(each, job.inputs, flags) for each in texts["rows"]]
    used = seeds.backbones(job.inputs, "flowers")
    written = page(rows, [(name, texts["backbones"].get(name, name)) for name in used])
    (job.output / PAGE).write_text(written, encoding="utf-8")
    table(rows).to_csv(job.output / TABLE, index=False, lineterminator="\n", float_format="%.6g")
    missing = sum(row.found is None for row in rows)
    left_out = f"; {missing} of {len(rows)} rows not made, for the flowers are missing" if missing else ""
    return f"{job.output.parent / job.stage / PAGE}, {len(written.encode()) / 1e6:.1f} MB{left_out}"
