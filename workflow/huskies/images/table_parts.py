"""The parts of a set that is already split, as its tables tell them: by a column, or by a table for each part."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from huskies.errors import HuskyError, some
from huskies.images import layout

if TYPE_CHECKING:
    from huskies.images.labelled import RawImage

# What the column is called, without blanks and signs.
_COLUMNS = frozenset({"split", "set", "subset", "partition", "part", "dataset", "usage"})


def parts(place: str, images: Sequence["RawImage"], listed_in: Mapping[str, str]) -> dict[str, str]:
    """Return the part, train, val or test, of each image by its source; nothing if tables tell of no such parts.

    place: what errors call raw. listed_in: the table of each image. Raises HuskyError where only some images have
    a part, or two columns disagree, and for a part with classes that are not trained on.
    """
    found = _by_column(place, images, listed_in) or _by_table(listed_in)
    if set(found.values()) <= {"train"}:
        return {}
    if "train" not in found.values():
        told = some(sorted(set(found.values())))
        raise HuskyError(f"{place}: its tables say {told} of all images, and train of none. Fix them.")
    for part, more in layout.not_trained_on((found[image.source], image.label) for image in images).items():
        raise HuskyError(
            f"{place}: its tables have classes in {part} that have no image in train ({some(more)}). Say train of "
            "some of their images, or leave these classes out."
        )
    return found


def _by_column(place: str, images: Sequence["RawImage"], listed_in: Mapping[str, str]) -> dict[str, str]:
    told: dict[str, str] = {}
    for column in dict.fromkeys(column for image in images for column in image.extra):
        if re.sub(r"[\W_]+", "", column.casefold()) not in _COLUMNS:
            continue
        values = {image.source: image.extra.get(column, "").strip() for image in images}
        found = {source: layout.part_of(value) for source, value in values.items()}
        if not any(found.values()):
            continue
        if unclear := next((source for source in found if not found[source]), None):
            raise HuskyError(
                f"{place}/{listed_in[unclear]}: the column '{column}' says train, val or test of some images, and "
                f"{values[unclear]!r} of {unclear}. Say one of the three of each image, or rename the column."
            )
        if different := next((source for source in told if told[source] != found[source]), None):
            raise HuskyError(
                f"{place}/{listed_in[different]}: one column says {told[different]} of {different}, and '{column}' "
                f"says {found[different]} of it. Remove or rename one of the columns."
            )
        told = found
    return told


def _by_table(listed_in: Mapping[str, str]) -> dict[str, str]:
    """Return the part that each image's table is called after, if all tables are called so."""
    called = {table: layout.part_of(table.rpartition("/")[2].rpartition(".")[0]) for table in set(listed_in.values())}
    return {source: called[table] for source, table in listed_in.items()} if all(called.values()) else {}
