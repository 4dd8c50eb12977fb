"""A table of labels as spreadsheets and other programs write it: what its text says, and which columns count."""

import contextlib
import csv
import io
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from huskies.errors import HuskyError, some
from huskies.images import kinds
from huskies.images.table_names import WITHOUT_ENDINGS, Found, Names

LARGEST = 32 << 20  # bytes
# Those of spreadsheets, which nobody reads but their programs.
_SPREADSHEETS = frozenset({".xls", ".xlsx", ".xlsm", ".xlsb", ".ods", ".numbers"})
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_FILE, _LABEL = "file", "label"
# What others call the two columns, without blanks and signs; files: the likeliest first.
# fmt: off
_FILES = (
    "file", "filename", "filenames", "filepath", "filepaths", "path", "image", "images", "imagename", "imagefile",
    "imagepath", "img", "imgname", "imgpath", "photo", "picture", "fname", "imageid", "imgid", "id",
)
_LABELS = frozenset({
    "label", "labels", "class", "classes", "classname", "category", "categories", "species", "breed", "diagnosis", "dx",
    "target", "tag",
})
# fmt: on
_ASKED = "Name them file and label"


@dataclass(frozen=True)
class Sheet:
    """The rows of a table below its header, by column. name: its path below raw. delimiter: what parts its values."""

    name: str
    columns: list[str]
    rows: list[dict[str, str]]
    delimiter: str


def is_table(name: str) -> bool:
    """Tell by its ending whether a file is a table."""
    return kinds.ending(name) in (".csv", ".tsv") or is_spreadsheet(name)


def is_spreadsheet(name: str) -> bool:
    """Tell by its ending whether a file is a spreadsheet's own."""
    return kinds.ending(name) in _SPREADSHEETS


def parse(place: str, name: str, content: bytes) -> Sheet:
    """Return what a table says. place: what errors call it.

    Raises HuskyError for text in no encoding that can be told, for rows that do not fit the header, and for columns of
    one name.
    """
    if is_spreadsheet(name):
        raise HuskyError(f"{place} is a spreadsheet. Save it as CSV (UTF-8), with the columns file and label.")
    if len(content) > LARGEST:
        raise HuskyError(f"{place} has more than {LARGEST >> 20} MiB. Leave out columns.")
    text = text_of(place, content)
    first, _, rest = text.partition("\n")
    told = re.fullmatch(r'"?sep=(.)"?', first.strip("\r"))
    text = rest if told else text
    header = text.lstrip("\r\n").split("\n", 1)[0].rstrip("\r")
    delimiter = told[1] if told else _delimiter(header)
    blank_first = f"{delimiter} " in header
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, skipinitialspace=blank_first)
    try:
        lines = [(reader.line_num, line) for line in reader if any(value.strip() for value in line)]
    except csv.Error as error:
        raise HuskyError(f"{place}, line {reader.line_num}: {error}") from None
    if not lines:
        raise HuskyError(f"{place} is empty. Remove it, or fill in a row for each image below the line file,label.")
    columns = [column.strip() for column in lines[0][1]]
    while columns and not columns[-1]:
        columns.pop()
    times = Counter(column.casefold() for column in columns if column)
    twice = [column for column in times if times[column] > 1]
    if twice:
        raise HuskyError(f"{place} has several columns of the name '{twice[0]}'. Keep one, or rename the others.")
    rows = []
    for number, line in lines[1:]:
        if len(line) < len(columns) or any(value.strip() for value in line[len(columns) :]):
            raise HuskyError(f"{place}, line {number + bool(told)}: the row has not as many values as the header.")
        rows.append(dict(zip(columns, line, strict=False)))
    return Sheet(name, columns, rows, delimiter)


def text_of(place: str, content: bytes) -> str:
    """Return the text of a table, its lines parted by "\\n": UTF-8, or UTF-16 with a mark, as Excel writes it."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise HuskyError(f"{place} is not UTF-8 text. Save it as UTF-8.") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _delimiter(header: str) -> str:
    """Return what parts the values of a header: what gives the most columns that are known, and then the most."""

    def worth(delimiter: str) -> tuple[int, int]:
        with contextlib.suppress(csv.Error):
            columns = next(csv.reader([header], delimiter=delimiter), [])
            return sum(_folded(each) in (*_FILES, *_LABELS) for each in columns), len(columns)
        return 0, 0

    return max(_DELIMITERS, key=worth)


def _folded(column: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", column).casefold())


@dataclass(frozen=True)
class Columns:
    """Which columns of a table have the names of files and the labels, what each row's file is, and a line on it."""

    file: str
    label: str
    found: list[Found]
    said: str


def choose(place: str, sheet: Sheet, names: Names) -> Columns:
    """Return which columns of a table count. Raises HuskyError, with the table's columns, where it cannot be told."""
    folder = sheet.name.rpartition("/")[0]
    if any(kinds.ending(column) and names.find(column, folder).name for column in sheet.columns):
        raise HuskyError(f"{place} has no header. Add a first line that names the columns: file,label")
    looked_up = {column: [names.find(row[column], folder) for row in sheet.rows] for column in sheet.columns if column}
    file = _file_column(looked_up)
    label = _label_column([column for column in sheet.columns if column and column != file])
    if not file or not label:
        which = " and ".join(
            said for said, missing in (("the names of the files", not file), ("the labels", not label)) if missing
        )
        shown = some(map(repr, filter(None, sheet.columns)), 10)
        raise HuskyError(
            f"{place} is a table beside the images, with the columns {shown}, and it cannot be told which of them has "
            f"{which}. {_ASKED}, or, if it is no table of labels, move it out of the folder."
        )
    found = looked_up[file]
    said = [f"file names in '{file}'"] if file != _FILE else []
    said += [f"labels in '{label}'"] if label != _LABEL else []
    said += [f"values parted by {_DELIMITERS.get(sheet.delimiter, sheet.delimiter)}"] if sheet.delimiter != "," else []
    said += sorted({each.how for each in found if each.how})
    return Columns(file, label, found, f"labels from {sheet.name}" + (f" ({'; '.join(said)})" if said else ""))


def _file_column(looked_up: dict[str, list[Found]]) -> str:
    """Return the column that names files: the one called so, or the likeliest of those whose every value is a file."""
    named = sorted(
        (column for column in looked_up if _folded(column) in _FILES), key=lambda c: _FILES.index(_folded(c))
    )
    if named and _folded(named[0]) == _FILE:
        return named[0]

    def names_files(found: list[Found]) -> bool:
        there = [each.name for each in found]
        return bool(there) and all(there) and len(set(there)) == len(there)

    proven = [column for column, found in looked_up.items() if names_files(found)]
    # What only looks like the names of files, as numbers may, has to be called so.
    full = [column for column in proven if not any(each.how == WITHOUT_ENDINGS for each in looked_up[column])]
    likely = [column for column in named if column in proven] or (full if len(full) == 1 else named)
    return likely[0] if likely else ""


def _label_column(columns: list[str]) -> str:
    """Return the column that has the labels: the one called so or as others call it, or the only one there is."""
    known = [column for column in columns if _folded(column) in _LABELS]
    exact = [column for column in known if _folded(column) == _LABEL]
    likely = exact or known or columns
    return likely[0] if len(likely) == 1 else ""
