"""docs/reliability.csv, a line for each row as it was last tried, and docs/reliability.md, which is made from it."""

import csv
from collections.abc import Sequence
from pathlib import Path

from huskies import atomic
from project import WORKING_TREE

from reliability.trial import Outcome, Row

RESULTS = WORKING_TREE / "docs/reliability.csv"
PAGE = WORKING_TREE / "docs/reliability.md"
BY_TESTS = Path(__file__).parent / "by_tests.md"
COLUMNS = ("name", "fault", "trials", "faultless", "lost", "saw", "command")

INTRODUCTION = """# Faults, and what is lost

Every fault is tried with the real Snakemake and DVC in temporary clones with 27 images in three classes, in which
`aug.factor` 2 is built and 3 is then asked for. After the fault the same command is given again, and nothing else is
done. Lost is whatever then differs from a run that nothing disturbed: a byte of any stage, `dvc.lock`, `params.yaml`,
the ledger, the experiment, the exit status, a file too many, a process that still runs; or what `dvc status` or
`snakemake audit` complain about. `make reliability` tries all rows, some hours, and writes this page from what it
counted; the last column repeats one.

| fault | trials | what was lost or wrong | what the user saw | the command that repeats it |
|---|---|---|---|---|
"""


def result(row: Row, outcomes: Sequence[Outcome], seed: int) -> dict[str, str]:
    """Return a row's line, from its trials."""
    lost, saw = row.sum_up(outcomes)
    return {
        "name": row.name,
        "fault": row.fault,
        "trials": str(len(outcomes)),
        "faultless": str(sum(not each.lost for each in outcomes)),
        "lost": lost,
        "saw": saw,
        "command": f'make reliability ONLY="{row.name}" TRIALS={len(outcomes)} SEED={seed}',
    }


def write(results: Sequence[dict[str, str]], order: Sequence[str], path: Path = RESULTS, page: Path = PAGE) -> None:
    """Put results in the place of those of the same names, the rows in this order, and make the page anew."""
    known = {}
    if path.is_file():
        with open(path, encoding="utf-8", newline="") as file:
            known = {line["name"]: line for line in csv.DictReader(file)}
    known |= {each["name"]: each for each in results}
    lines = [known[name] for name in order if name in known]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    by_tests = BY_TESTS.read_text(encoding="utf-8")
    atomic.write(page, (INTRODUCTION + "".join(map(_line, lines)) + by_tests).encode())


def _line(result: dict[str, str]) -> str:
    cells = (result[name].replace("|", "\\|") for name in ("fault", "trials", "lost", "saw"))
    return f"| {' | '.join(cells)} | `{result['command']}` |\n"
