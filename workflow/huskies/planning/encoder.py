"""`python -m huskies encoder`: make the choice of the contest, or another of its encoders, the backbone of the flow."""

import json
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from huskies import atomic, outputs, receipt
from huskies.backbone import candidates
from huskies.errors import HuskyError
from huskies.planning import params, plan

FOLDER = Path("data/encoders")


def run(number: int | None) -> list[str]:
    """Write the encoder into params.yaml; return the lines that are new there, as "backbone.name: MobileNetV2".

    number: the encoder's place in the table, from 1; None for the choice of the contest. Comments stay. Raises
    HuskyError where there is no contest of the present parameters, and for a number that is not in its table.
    """
    row = _row(number)
    before = text = params.FILE.read_text(encoding="utf-8")
    written = YAML(typ="safe").load(text)
    sections = [written["backbone"], *candidates.complete(written["backbone"], written["encoders"]["candidates"])]
    lines = []
    for section, keys in (("backbone", sections[row["candidate"]]), ("train", {"scaling": row["scaling"]})):
        for key, value in keys.items():
            if written[section][key] != value:
                text = _with(text, section, key, _spelled(value))
                lines.append(f"{section}.{key}: {_spelled(value)}".rstrip())
                written[section][key] = value
    if YAML(typ="safe").load(text) != written:
        raise HuskyError(f"{params.FILE} cannot be changed line by line. Put this into it: {'; '.join(lines)}")
    if text != before:
        atomic.write(params.FILE, text.encode())
    return lines


def _spelled(value: Any) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w.-]*", value)
    return "" if value is None else value if plain else json.dumps(value, ensure_ascii=False)


def _with(text: str, section: str, key: str, value: str) -> str:
    """Return the text of params.yaml with another value at a key of a section; whatever stands around it stays."""
    start = re.search(rf"^{section}:.*\n", text, re.MULTILINE).end()
    # A value may go on over lines that are further in.
    old = re.compile(rf"^  {key}:.*\n(?:    .*\n)*", re.MULTILINE)
    return text[:start] + old.sub(lambda _: f"  {key}: {value}".rstrip() + "\n", text[start:], count=1)


def _row(number: int | None) -> dict[str, Any]:
    planned = plan.all_plans(params.load())["encoders"]
    if not (FOLDER / receipt.name(receipt.plan_hash(planned))).is_file():
        raise HuskyError(
            f"{FOLDER} has no contest of the present parameters. Run it first: snakemake --cores all encoders"
        )
    numbers = json.loads((FOLDER / outputs.ENCODERS).read_text(encoding="utf-8"))
    rows = numbers["entrants"]
    if number is None:
        return next(row for row in rows if row["name"] == numbers["chosen"])
    if not 1 <= number <= len(rows):
        raise HuskyError(f"there is no encoder {number}: {FOLDER / outputs.TABLE} has 1 to {len(rows)}. Choose one.")
    return rows[number - 1]
