"""Which image a table means by a name: as it is typed there, or otherwise where only one image can be meant."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

WITHOUT_ENDINGS = "names without endings"


class Found(NamedTuple):
    """What a name in a table stands for. name: the image's, or empty. how: in which way it differs, as one would say.

    several: the images that it may stand for, where that cannot be told.
    """

    name: str
    how: str = ""
    several: tuple[str, ...] = ()


class Names:
    """The images of a raw folder or zip, to be found by what people write for them."""

    def __init__(self, images: Iterable[str]):
        """Take the paths of the images below raw."""
        # A name typed on one system and a file made on another may differ in how an accent is composed.
        self._exact = {unicodedata.normalize("NFC", name): name for name in images}
        self._whole: dict[str, list[str]] = defaultdict(list)
        self._stem: dict[str, list[str]] = defaultdict(list)
        for composed in self._exact:
            base = composed.rpartition("/")[2].casefold()
            self._whole[base].append(composed)
            self._stem[base.rpartition(".")[0] or base].append(composed)

    def find(self, typed: str, folder: str = "") -> Found:
        """Return the image that a name stands for. folder: of the table, below raw, from where it may be told.

        One path must be the end of the other: images/a.jpg may stand for a.jpg, and a.jpg for cat/a.jpg, if no other
        image is called so, but never cat/a.jpg for dog/a.jpg. Letter case may differ, and the ending may be left out.
        """
        folder = unicodedata.normalize("NFC", folder)
        path = unicodedata.normalize("NFC", typed).replace("\\", "/").removeprefix("./")
        for exact in (f"{folder}/{path}" if folder else path, path):
            if exact in self._exact:
                return Found(self._exact[exact])
        parts = [part for part in path.strip().casefold().split("/") if part not in ("", ".")]
        if not parts or ".." in parts:
            return Found("")
        for known, how in ((self._whole, ""), (self._stem, WITHOUT_ENDINGS)):
            fitting = [each for each in known.get(parts[-1], []) if _ends_alike(each.casefold().split("/"), parts)]
            # The very path is meant, then the fullest, then one beside the table, then one in the same letter case.
            for closer in (
                lambda each: each.casefold().split("/") == parts,
                lambda each: min(each.count("/") + 1, len(parts)),
                lambda each: bool(folder) and each.startswith(f"{folder}/"),
                lambda each: path.strip().endswith(each) or each.endswith(path.strip()),
            ):
                most = max(map(closer, fitting), default=0)
                fitting = [each for each in fitting if closer(each) == most]
            if len(fitting) > 1:
                return Found("", several=tuple(fitting))
            if fitting:
                return Found(self._exact[fitting[0]], how or _how(path, fitting[0]))
        return Found("")


def _ends_alike(one: list[str], other: list[str]) -> bool:
    """Tell whether the folders of one path are the last of the other's; their files are alike already."""
    first, second = one[:-1], other[:-1]
    common = min(len(first), len(second))
    return not common or first[-common:] == second[-common:]


def _how(path: str, image: str) -> str:
    if path.strip() == image:
        return "blanks at the ends of names left out"
    if path.strip().casefold() == image.casefold():
        return "names in another letter case"
    return "other folders before the names"
