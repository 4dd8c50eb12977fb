"""What folders say of the images in them: their labels, and what is held out of a set that is already split."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from huskies.errors import HuskyError, some

# What people call the folders of a set that is already split, and the words that they put beside it.
_PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_BESIDE = frozenset({"set", "data", "dataset", "images", "imgs", "img", "folder", "split", "seg"})


def part_of(folder: str) -> str:
    """Return train, val or test for a folder that is called so, also as seg_train or Test set, or the empty string."""
    words = [word for word in re.split(r"[\W_]+", folder.casefold()) if word]
    parts = [_PARTS[word] for word in words if word in _PARTS]
    return parts[0] if len(parts) == 1 and all(word in _PARTS or word in _BESIDE for word in words) else ""


def label_of(folder: str) -> str:
    """Return the label that a class folder stands for, its accents composed in one way."""
    return unicodedata.normalize("NFC", folder)


def wrapper(telling: Sequence[str], tables: Iterable[str]) -> str:
    """Return the folder that all images and tables lie in and that is no class, "photos/", or the empty string.

    Most tools wrap what they zip in one folder, and Kaggle in two; a note beside the images decides nothing.
    telling: the paths of images and tables. tables: those of the tables alone.
    """
    wrapped, tables = "", set(tables)
    while len(tops := {name.removeprefix(wrapped).split("/")[0] for name in telling}) == 1:
        deeper = f"{wrapped}{tops.pop()}/"
        inner = [name.removeprefix(deeper) for name in telling if name.startswith(deeper)]
        beside = any(name.startswith(deeper) and "/" not in name.removeprefix(deeper) for name in tables)
        if len(inner) < len(telling) or not (beside or all("/" in name for name in inner)):
            break
        wrapped = deeper
    return wrapped


def parts(place: str, images: Sequence[str], labels: Mapping[str, str] | None = None) -> dict[str, tuple[str, str]]:
    """Return (part, label) of each image of a set that is already split into train, val and test; else nothing.

    place: what errors call raw. labels: by image, where a table gives them and not the class folders.
    Raises HuskyError where the folders look like such a set, and it is not plain what is meant.
    """
    tops = {image.split("/")[0]: "" for image in images if "/" in image}
    tops = {top: part_of(top) for top in tops}
    if not _looks_split(images, tops):
        return {}
    found, loose, again = {}, [], _wrapped_again(tops, images)
    for image in images:
        top, _, inner = image.partition("/")
        inner = inner.removeprefix(again.get(top, ""))
        if labels is None and "/" not in inner:
            loose.append("some images lie in no class folder")
        else:
            found[image] = tops.get(top, ""), labels[image] if labels else label_of(inner.split("/")[0])
    doubts = [*_doubts(tops, found), *loose]
    if doubts:
        shown = "; ".join(f"{top}/ with {_inside(top + '/' + again.get(top, ''), images)}" for top in sorted(tops)[:5])
        raise HuskyError(
            f"{place} looks like a set that is already split, but {doubts[0]}: {shown}. Such a set has nothing but the "
            "folders train/ and test/, val/ or both, each with class folders of the same names. Make it so, put all "
            "images into class folders, or rename a class folder that only happens to be called like a part."
        )
    return found


def _wrapped_again(tops: Mapping[str, str], images: Sequence[str]) -> dict[str, str]:
    """Return the folder "train/" for each part that has all its images in one more of its name, by the part's folder.

    A class that is called like the part has other classes beside it.
    """
    return {
        top: f"{top}/"
        for top in tops
        if tops[top] and all(image.split("/")[1] == top for image in images if image.startswith(f"{top}/"))
    }


def _looks_split(images: Sequence[str], tops: Mapping[str, str]) -> bool:
    """Tell whether folders at the top may be parts of a set: train alone may well be a class, but not val or test."""
    called = set(tops.values()) - {""}
    if called - {"train"}:
        return True
    if not called:
        return False
    inner = {image.split("/")[1] for image in images if part_of(image.split("/")[0]) and image.count("/") > 1}
    return len(tops) > 1 and bool(inner & set(tops))


def _doubts(tops: Mapping[str, str], found: Mapping[str, tuple[str, str]]) -> Iterable[str]:
    if others := sorted(top for top in tops if not tops[top]):
        yield f"there are other folders beside it ({some(others)})"
    if any("/" not in image for image in found):
        yield "there are images beside its folders"
    if len(set(tops.values())) < len(tops):
        yield "two folders are the same part"
    if all(part != "train" for part, _ in found.values()):
        yield "there is nothing to train on"
    for part, more in not_trained_on(found.values()).items():
        yield f"{part} has classes that train has not ({some(more)})"


def not_trained_on(found: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the classes that val and test have and train has not, by part; found: (part, label) of each image."""
    classes = defaultdict(set)
    for part, label in found:
        classes[part].add(label)
    held_out = {part: sorted(classes[part] - classes["train"]) for part in ("val", "test")}
    return {part: more for part, more in held_out.items() if more}


def _inside(folder: str, images: Sequence[str]) -> str:
    inner = [image.removeprefix(folder) for image in images if image.startswith(folder)]
    folders = sorted({each.split("/")[0] for each in inner if "/" in each})
    return some([f"{folder}/" for folder in folders], 3) if folders else f"{len(inner)} images"
