"""preview: what aug.policy makes of a few images, to look at before any set is built, only on request.

Shown are images that split will train on, as far as that can be told beforehand: by exact copies, file names and the
group column, as group and split do it. An image may yet be held out where only convert and group find what it is bound
to: near-duplicates, the same pixels in another format, and files beside it that are no images.
"""

import re
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from huskies import digests
from huskies.augmentation import gallery
from huskies.augmentation.gallery import Original
from huskies.errors import HuskyError, UnreadableImage, some
from huskies.images import codec, contact_sheet, conversion, groups, manifest, raw, raw_files
from huskies.images.contact_sheet import Row
from huskies.job import Job
from huskies.page import template
from huskies.steps import convert, split

PAGE = "preview.html"
TEMPLATE = Path(__file__).parent / "preview.html"
POLICY = "policy.png"
TRANSFORMS = "transforms.png"

# Classes that are shown, and images of each.
_CLASSES, _PER_CLASS = 10, 2
# Images that each transform is shown on, of as many classes; copies of each; the side of a picture in pixels.
_TRIED, _COPIES, _SIDE = 2, 6, 96


def raw_digests(source: Path, raw_set: raw.RawSet) -> list[str]:
    """Return the sha256 of each raw image, remembered for those of a folder, or why it cannot be read.

    Raises HuskyError where an image has vanished since raw_set was listed.
    """
    if source.is_dir():
        status_of = dict(raw_files.files(source))
        paths = [f"{raw_set.wrapper}{each.source}" for each in raw_set.images]
        gone = [path for path in paths if path not in status_of]
        if gone:
            raise HuskyError(
                f"{source} changed while it was being looked at: {some(gone)}. Run the same command again."
            )
        return digests.file_digests([(f"{source}/{path}", status_of[path]) for path in paths])
    return [_digest(raw_set, each.source) for each in raw_set.images]


def _digest(raw_set: raw.RawSet, name: str) -> str:
    try:
        return codec.sha256(raw_set.read(name))
    except UnreadableImage as error:
        return f"{name}: {error}"


def to_train_on(raw_set: raw.RawSet, sha256: list[str], parameters: dict[str, Any]) -> pd.DataFrame:
    """Return a row for each raw image that is trained on, in the order of gallery.choose, as far as can be told by now.

    Near-duplicates and equal pixels in two formats are not bound to each other yet, and files that convert will reject
    take part, unless they cannot even be read. sha256: of each raw image, or why it cannot be read. parameters: the
    section `split`. Raises HuskyError for a class that is too small.
    """
    listed = [
        {
            "file": each.source,
            "source": each.source,
            "label": each.label,
            "split": each.part,
            "group": each.extra.get("group", ""),
            "source_sha256": digest,
            "sha256": digest,
        }
        for each, digest in zip(raw_set.images, sha256, strict=True)
        if re.fullmatch("[0-9a-f]{64}", digest)
    ]
    rows = manifest.make(listed, ["source"])
    rows["group"] = groups.find_groups(rows)["group"]
    rows = rows[~rows["file"].isin(groups.find_conflicts(rows)["file"])]
    rows["split"], _, _ = split.divide(rows, **parameters)
    return gallery.choose(rows, len(rows))


def read(raw_set: raw.RawSet, rows: pd.DataFrame, quality: int, max_side: int) -> list[Original]:
    """Return the first readable images of each of the first classes of `rows`, with the pixels that convert gives."""

    def readable(of_class: pd.DataFrame):
        for row in of_class.itertuples():
            try:
                jpeg = conversion.convert_image(raw_set.read(row.file), quality, max_side)
            except (UnreadableImage, OSError):
                continue
            yield Original(row.label, row.file, codec.decode(jpeg), row.source_sha256)

    classes = islice(rows.groupby("label"), _CLASSES)
    return [original for _, of_class in classes for original in islice(readable(of_class), _PER_CLASS)]


def page(sections: list[tuple[str, list[Row]]]) -> str:
    """Return one HTML page that holds all pictures: a heading for each section, and its rows below it."""
    return template.page(TEMPLATE, sections=sections)


def run(job: Job) -> str:
    """Fill job.output with preview.html, policy.png and transforms.png; return a line on what they show."""
    source, configured, seed = Path(job.params["raw"]), job.params["aug"]["policy"], job.params["aug"]["seed"]
    raw_set = convert.corrected(raw.open_raw(source), job)
    rows = to_train_on(raw_set, raw_digests(source, raw_set), job.params["split"])
    shown = read(raw_set, rows, job.params["convert"]["quality"], job.params["convert"]["max_side"])
    if not shown:
        raise HuskyError(f"no image of {source} can be read. Fix them, or set 'raw' in params.yaml to others.")
    first_of: dict[str, Original] = {}
    for original in shown:
        first_of.setdefault(original.label, original)
    whole = gallery.whole_policy(shown, configured, seed, _COPIES, _SIDE)
    by_transform = gallery.each_transform(list(first_of.values())[:_TRIED], configured, seed, _COPIES, _SIDE)
    (job.output / POLICY).write_bytes(contact_sheet.draw(whole, _SIDE))
    named = [Row(f"{name}\n{row.caption}", row.pictures) for name, of_transform in by_transform for row in of_transform]
    if named:
        (job.output / TRANSFORMS).write_bytes(contact_sheet.draw(named, _SIDE))
    sections = [("The whole policy, as augment applies it", whole)]
    sections += [(f"{name} alone, with p = 1", of_transform) for name, of_transform in by_transform]
    (job.output / PAGE).write_text(page(sections), encoding="utf-8")
    # Images that a control has made are watched over by its receipt.
    if job.raw_digest is not None and raw_files.raw_digest(source) != job.raw_digest:
        raise HuskyError(f"{source} changed while it was being looked at. Run the same command again.")
    return (
        f"{len(configured)} transforms on {len(shown)} images of {len(first_of)} classes: "
        f"see {job.output.parent / job.stage / PAGE}"
    )
