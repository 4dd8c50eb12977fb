"""The table of all measurements: its lines, its CSV, and its place in docs/performance.md."""

from collections.abc import Sequence
from typing import NamedTuple

import page_tables
import pandas as pd
from clones import PROJECT
from huskies import atomic

RESULT = PROJECT / "benchmarks/performance.csv"
PAGE = PROJECT / "docs/performance.md"
BEGIN, END = "<!-- The table of the last run, by make benchmarks. -->", "<!-- The end of the table. -->"
COLUMNS = ["part", "subject", "what", "measured", "unit", "aim", "met", "note"]


class Line(NamedTuple):
    """A line of the table: what was measured, in which unit, and the aim, if there is one.

    at_least: the least that is aimed at. at_most: the most. A ratio has the unit "×".
    """

    subject: str
    what: str
    measured: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    def met(self) -> bool | None:
        """Tell whether the aim is met, None where there is no aim."""
        if self.at_least is None and self.at_most is None:
            return None
        if pd.isna(self.measured):
            return False
        enough = self.at_least is None or self.measured >= self.at_least
        return enough and (self.at_most is None or self.measured <= self.at_most)


def as_row(part: str, line: Line) -> dict[str, str]:
    """Return a line as it stands in the CSV. part: of the measurements, by which it is replaced by a later run."""
    aims = [("at least", line.at_least), ("at most", line.at_most)]
    met = {True: "yes", False: "no", None: ""}[line.met()]
    return {
        "part": part,
        "subject": line.subject,
        "what": line.what,
        "measured": "" if pd.isna(line.measured) else _digits(line.measured),
        "unit": line.unit,
        "aim": ", ".join(f"{word} {value:g}" for word, value in aims if value is not None),
        "met": met,
        "note": line.note,
    }


def _digits(value: float) -> str:
    """Return four digits of a number, and all of those before the point."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def table(frame: pd.DataFrame) -> str:
    """Return the CSV's rows as a Markdown table."""
    lines = ["| subject | what | measured | aim | met | note |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.subject} | {row.what} | {f'{row.measured} {row.unit}'.strip()} | {row.aim} | {row.met} | {row.note} |"
        for row in frame.itertuples()
    ]
    return "\n".join(lines)


def put(frame: pd.DataFrame, page: str) -> str:
    """Return the page with the table of the CSV's rows in the place of the one it has."""
    return page_tables.put(page, BEGIN, END, table(frame))


def replace(frame: pd.DataFrame, rows: pd.DataFrame, parts: Sequence[str]) -> pd.DataFrame:
    """Return the rows of the CSV with new rows in the place of those of their parts, in the order of all parts."""
    frame = pd.concat([frame[~frame["part"].isin(rows["part"])], rows])
    place = {part: number for number, part in enumerate(parts)}
    frame = frame[frame["part"].isin(parts)]
    return frame.sort_values("part", key=lambda column: column.map(place), kind="stable", ignore_index=True)


def write(rows: pd.DataFrame, parts: Sequence[str]) -> None:
    """Put new rows into the CSV, and its table into the page."""
    csv = replace(read(), rows, parts).to_csv(index=False, lineterminator="\n")
    atomic.write(RESULT, csv.encode())
    atomic.write(PAGE, put(read(), PAGE.read_text(encoding="utf-8")).encode())


def read() -> pd.DataFrame:
    """Return the rows of the CSV, all of them text."""
    return pd.read_csv(RESULT, dtype=str, keep_default_na=False)
