"""experiments.csv: a setting in each row, in columns that are parameters by their dotted names, as `-S` has them."""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from huskies.errors import HuskyError, UnreadableImage
from huskies.images import raw_files, tables

PATH = Path("experiments.csv")
NAME = "name"
_LONGEST = 60  # letters of a name
_DELIMITERS = (",", ";", "\t")
_EXAMPLE = "aug.factor,train.l2\n2,\n10,0.01"
_HOW = f"Write names of parameters in its first line, and a setting in each further one, as in\n{_EXAMPLE}"
_SAVED = "Save it as CSV (UTF-8)."


@dataclass(frozen=True)
class Setting:
    """A row: the line it stands in, its name, and by parameter the text of each cell that is not empty."""

    line: int
    name: str
    cells: dict[str, str]

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{PATH}, line {self.line}"


def read(path: Path = PATH) -> list[Setting]:
    """Return the settings in their order; those without a name are called by what they change.

    Raises HuskyError, with the line, for a table that cannot be read, has no setting, or does not fit its header, and
    for two settings of one name. Whether there are such parameters, setting_params.py finds out.
    """
    rows, delimiter = _rows(path)
    if len(rows) < 2:
        raise HuskyError(f"{path} has no setting. {_HOW}")
    (first, header), *others = rows
    columns = _columns(f"{path}, line {first}", header)
    found: list[Setting] = []
    for line, row in others:
        setting = _setting(line, columns, row, delimiter)
        if same := next((each for each in found if each.name == setting.name), None):
            raise HuskyError(
                f"{setting.place}: the setting '{setting.name}' stands in line {same.line}, too. Delete one, or give "
                f"each a name of its own in a column '{NAME}'."
            )
        found.append(setting)
    return found


def _rows(path: Path) -> tuple[list[tuple[int, list[str]]], str]:
    """Return (the rows that are not empty, each with its line; what parts their values)."""
    try:
        content = raw_files.read_file(path)
    except FileNotFoundError:
        raise HuskyError(f"there is no {path}. {_HOW}\nMore is in docs/experiments.md") from None
    except (OSError, UnreadableImage) as error:
        raise HuskyError(f"{path} is no file that can be read: {error}. {_SAVED}") from None
    text = tables.text_of(str(path), content)
    start, _, rest = text.partition("\n")
    # Excel's own line, which says what parts the values.
    told = start.removeprefix("sep=") if start.startswith("sep=") else ""
    header = rest.partition("\n")[0] if told else start
    delimiter = told or max(_DELIMITERS, key=header.count)
    try:
        reader = csv.reader(io.StringIO(rest if told else text), delimiter=delimiter, strict=True)
        lines = [(reader.line_num + bool(told), [cell.strip() for cell in row]) for row in reader]
    except (csv.Error, TypeError) as error:
        raise HuskyError(f"{path} is no CSV: {error}. {_SAVED}") from None
    return [(line, row) for line, row in lines if any(row)], delimiter


def _columns(place: str, header: list[str]) -> list[str]:
    """Return the names of the columns, without the empty ones at the end that spreadsheets leave."""
    while not header[-1]:
        header = header[:-1]
    if "" in header:
        raise HuskyError(
            f"{place}: column {header.index('') + 1} has no name. Write a parameter, or delete the column."
        )
    if twice := [column for column, times in Counter(header).items() if times > 1]:
        raise HuskyError(f"{place}: there are two columns '{twice[0]}'. Delete one.")
    if header == [NAME]:
        raise HuskyError(f"{place}: no column is a parameter. {_HOW}")
    return header


def _setting(line: int, columns: list[str], row: list[str], delimiter: str) -> Setting:
    place = f"{PATH}, line {line}"
    if len(row) < len(columns) or any(row[len(columns) :]):
        values = len(row) if len(row) < len(columns) else max(n for n, cell in enumerate(row, 1) if cell)
        raise HuskyError(
            f"{place}: the row has {values} values, and the header {len(columns)}. Leave a cell empty for what is in "
            f'params.yaml, and quote a value that has a {delimiter}, as in "[a{delimiter} b]".'
        )
    named = dict(zip(columns, row, strict=False))
    name = named.pop(NAME, "")
    cells = {column: cell for column, cell in named.items() if cell}
    name = name or ", ".join(f"{column}={cell}" for column, cell in cells.items()) or "as params.yaml"
    if len(name) > _LONGEST or not name.isprintable() or "|" in name:
        raise HuskyError(
            f"{place}: '{name[:80]}' is no name for a table. Write up to {_LONGEST} letters without | "
            f"in a column '{NAME}'."
        )
    return Setting(line, name, cells)
