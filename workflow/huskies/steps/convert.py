"""convert: any picture becomes an upright RGB JPEG, with a manifest row; broken ones are listed."""

import os
import unicodedata
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pandas as pd

from huskies import atomic, outputs, shards
from huskies.errors import HuskyError, some
from huskies.images import attempts, codec, corrections, kinds, manifest, naming, raw, raw_files
from huskies.images.labelled import RawImage
from huskies.job import Job

_NAMED = 10  # classes that the line on what was done names


def name_files(raw_images: list[RawImage]) -> list[str]:
    """Return the converted file's path for each raw image; no two are alike, in any letter case.

    Raises HuskyError where two labels would share a folder on a file system that ignores letter case, or differ only in
    blanks, and so look like one.
    """
    by_label = defaultdict(list)
    for image in raw_images:
        by_label[image.label].append(image.source)
    folders: dict[str, str] = {}
    for label in by_label:
        seen = " ".join(unicodedata.normalize("NFC", label).casefold().split())
        other = folders.setdefault(seen, label)
        if other != label:
            what = "letter case" if other.casefold() == label.casefold() else "blanks or letter case"
            raise HuskyError(f"the labels '{other}' and '{label}' differ only in {what}. Spell them alike.")
    stem_of = {}
    for label, sources in by_label.items():
        # A class folder is left out of its images' names; a CSV can give its label to images elsewhere, too.
        top = f"{sources[0].split('/')[0]}/"
        own = unicodedata.normalize("NFC", top) == f"{label}/" and all(source.startswith(top) for source in sources)
        inner = [source.removeprefix(top) for source in sources] if own else sources
        stem_of.update(zip(sources, naming.stems(inner), strict=True))
    return [naming.converted(image.label, stem_of[image.source]) for image in raw_images]


def extra_columns(raw_images: list[RawImage]) -> dict[str, str]:
    """Map each extra column of the user's CSV to its name in the manifest; `group` goes to our own column."""
    columns = [name for name in (raw_images[0].extra if raw_images else {}) if name != "group"]
    return {name: f"csv_{name}" if name in (*manifest.COLUMNS, "source") else name for name in columns}


def check(rows: pd.DataFrame, rejected: pd.DataFrame, max_rejected: int) -> None:
    """Raise HuskyError for too many broken images, for a class left without any, or for fewer than two classes."""
    if len(rejected) > max_rejected:
        raise HuskyError(
            f"{len(rejected)} images cannot be used, and convert.max_rejected is {max_rejected}: {_listed(rejected)}. "
            "Fix or remove them, or raise convert.max_rejected in params.yaml."
        )
    empty = sorted(set(rejected["label"]) - set(rows["label"]))
    if empty:
        of_class = rejected[rejected["label"] == empty[0]]
        raise HuskyError(
            f"no image of the class '{empty[0]}' can be used: {_listed(of_class)}. Fix its images, or remove the class."
        )
    labels = sorted(rows["label"].unique())
    if len(labels) < 2:
        raise HuskyError(f"there is only one class, '{labels[0]}'. A classifier needs two or more: add another class.")


def _listed(rejected: pd.DataFrame) -> str:
    return some(f"{row.file} ({row.reason})" for row in rejected.itertuples())


def summary(converted: pd.DataFrame, rejected: int, raw_set: raw.RawSet) -> str:
    """Return what was done, in a line and some more: the classes with their counts, and how the raw set was read."""
    counts = converted["label"].value_counts().sort_index()
    endings = sorted({kinds.ending(name) or "without ending" for name in raw_set.ignored})
    ignored = f"; ignored {len(raw_set.ignored)} files that are no images ({some(endings)})" if endings else ""
    line = f"{len(converted)} images in {len(counts)} classes, {rejected} rejected{ignored}"
    return "\n  ".join([line, some([f"{label} ({count})" for label, count in counts.items()], _NAMED), *raw_set.notes])


def _keep_rejections(rejections: pd.DataFrame) -> str:
    """Write what was rejected where it stays, though the stage fails; return where that is."""
    path = Path("logs", outputs.REJECTED)
    path.parent.mkdir(exist_ok=True)
    atomic.write(path, rejections.to_csv(index=False, lineterminator="\n").encode())
    return str(path)


def guesses(noted: list[tuple[str, str, str]]) -> list[str]:
    """Return a line for each thing that was done to pixels by guess, with the files; noted: (what, file, how)."""
    files = defaultdict(list)
    for what, file, how in noted:
        files[what].append(f"{file} ({how})")
    return [f"{what}: {some(each)}" for what, each in files.items()]


def _check_unchanged(source: Path, job: Job) -> None:
    # Images that a control has made are watched over by its receipt.
    if job.raw_digest is not None and raw_files.raw_digest(source) != job.raw_digest:
        raise HuskyError(f"{source} changed while it was being converted. Run the same command again.")


def corrected(raw_set: raw.RawSet, job: Job) -> raw.RawSet:
    """Return the raw set as corrections.csv has it, which the plans of flows with other images do not know."""
    if str(corrections.PATH) not in job.files:
        return raw_set
    images, said = corrections.apply(raw_set.images, corrections.read())
    return replace(raw_set, images=images, notes=[*raw_set.notes, *said])


def run(job: Job) -> str:
    """Fill job.output with `<class>/<stem>.jpg`, manifest.csv and rejected.csv; return lines on what was done.

    A shard has results.csv instead, with what came of each of its images. Shards are of paths, not of contents, so that
    a job reads no more files than its own.
    """
    parameters = job.params["convert"]
    source = Path(job.params["raw"])
    raw_set = corrected(raw.open_raw(source), job)
    extra = extra_columns(raw_set.images)
    named = list(zip(raw_set.images, name_files(raw_set.images), strict=True))
    if job.shard:
        named = [(image, file) for image, file in named if job.shard.holds(codec.sha256(os.fsencode(image.source)))]
    contents = raw_files.contents(source) if job.shards and source.is_dir() else {}
    contents = {name.removeprefix(raw_set.wrapper): sha256 for name, sha256 in contents.items()}
    made = attempts.all_of([image for image, _ in named], raw_set.read, job, contents)
    if job.shard:
        said = attempts.write_shard(named, made, job.output)
        # Of a folder, each file is compared when shards are put together, so that a job reads no files but its own.
        if not source.is_dir():
            _check_unchanged(source, job)
        return said
    rows, rejected, noted = [], [], []
    for (image, file), (source_sha256, converted, reason, notes) in zip(named, made, strict=True):
        if converted is None:
            rejected.append({"file": image.source, "label": image.label, "reason": reason})
            continue
        noted += [(what, image.source, how) for what, how in notes]
        path = job.output / file
        path.parent.mkdir(exist_ok=True)
        jpeg = shards.put(converted, path)
        rows.append(
            {
                "file": file,
                "label": image.label,
                "split": image.part,
                "group": image.extra.get("group", ""),
                "source_sha256": source_sha256,
                "sha256": codec.sha256(jpeg),
                "source": image.source,
                **{column: image.extra[name] for name, column in extra.items()},
            }
        )
    rows = manifest.make(rows, ["source", *extra.values()])
    rejections = pd.DataFrame(rejected, columns=["file", "label", "reason"], dtype=str)
    try:
        check(rows, rejections, parameters["max_rejected"])
    except HuskyError as error:
        if len(rejections):
            error.add_note(f"All of them, with the reasons: {_keep_rejections(rejections)}")
        raise
    manifest.write(rows, job.output / manifest.NAME)
    manifest.write(rejections, job.output / outputs.REJECTED)
    _check_unchanged(source, job)
    return "\n  ".join([summary(rows, len(rejected), raw_set), *guesses(noted)])
