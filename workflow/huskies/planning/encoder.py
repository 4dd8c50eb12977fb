"""`python -m huskies encoder`: make the choice of the contest, or another of its encoders, the backbone of the flow."""

import io
import json
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
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 4096, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    written = yaml.load(params.FILE.read_text(encoding="utf-8"))
    sections = [written["backbone"], *candidates.complete(written["backbone"], written["encoders"]["candidates"])]
    wanted = {"backbone": dict(sections[row["candidate"]]), "train": {"scaling": row["scaling"]}}
    lines = []
    for section, keys in wanted.items():
        for key, value in keys.items():
            if written[section][key] != value:
                written[section][key] = value
                lines.append(f"{section}.{key}: {json.dumps(value, ensure_ascii=False)}")
    text = io.StringIO()
    yaml.dump(written, text)
    if lines:
        atomic.write(params.FILE, text.getvalue().encode())
    return lines


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
