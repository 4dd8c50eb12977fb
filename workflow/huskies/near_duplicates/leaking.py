"""What is said of images that leak from what is held out: in words, as a picture, and as pairs to correct."""

from pathlib import Path

import pandas as pd

from huskies import atomic
from huskies.errors import HuskyError, some
from huskies.images import contact_sheet, pairs
from huskies.job import Job

# file: what is trained on. held_out: what it must not be, come from, or look like.
COLUMNS = ["file", "held_out", "reason", "similarity"]

# Pairs in the picture, at most, and the side of an image in pixels.
_SHOWN, _SIDE = 20, 128
_SAID = {
    "unknown": "descends from no image of the split",
    "itself": "is itself held out",
    "descent": "descends from {held_out}",
    "group": "is in one group with {held_out}",
    "bytes": "has the bytes of {held_out}",
    "near-duplicate": "is a near-duplicate of {held_out} ({similarity})",
}


def sentences(leaks: pd.DataFrame) -> list[str]:
    """Return what is wrong with each leak, as one would say it."""
    return [f"{leak['file']} {_SAID[leak['reason']].format(**leak)}" for leak in leaks.to_dict("records")]


def draw(leaks: pd.DataFrame, folders: list[Path]) -> bytes:
    """Return the first pairs as a PNG: the training image, the held-out one, and why at their left.

    folders: where the files are, in the order of looking. What is in none of them is left grey.
    """

    def picture(file: str) -> contact_sheet.Picture:
        found = [folder / file for folder in folders if file and (folder / file).is_file()]
        return contact_sheet.Picture("", found[0].read_bytes() if found else None)

    rows = [
        contact_sheet.Row(
            "\n".join([leak.file, leak.held_out, f"{leak.reason} {leak.similarity}"]),
            [picture(leak.file), picture(leak.held_out)],
        )
        for leak in leaks.head(_SHOWN).itertuples()
    ]
    return contact_sheet.draw(rows, _SIDE)


def leave_pairs(leaks: pd.DataFrame, originals: pd.DataFrame) -> None:
    """Write the raw names of the near-duplicates where `python -m huskies pairs` looks for them."""
    source_of = dict(zip(originals["file"], originals["source"], strict=True))
    near = leaks[leaks["reason"] == "near-duplicate"]
    pairs.leave((source_of[row.file], source_of[row.held_out]) for row in near.itertuples())


def refuse(job: Job, leaks: pd.DataFrame, shown: bytes) -> None:
    """Show the leaks in logs/<stage>.png and raise HuskyError, which names them and says what to do.

    shown: what `draw` makes of them.
    """
    path = Path("logs", f"{job.stage}.png")
    path.parent.mkdir(exist_ok=True)
    atomic.write(path, shown)
    raise HuskyError(_refusal(job, leaks, path))


def _refusal(job: Job, leaks: pd.DataFrame, shown: Path) -> str:
    fixes = []
    if (leaks["reason"] != "near-duplicate").any():
        fixes.append(f"Delete {job.inputs['split']} and {job.inputs['augment']}, and run again.")
    if (leaks["reason"] == "near-duplicate").any():
        fixes.append(
            f"If these near-duplicates are different things, say so: python -m huskies pairs {pairs.DIFFERENT}. "
            f"If they are the same, keep them together: python -m huskies pairs {pairs.SAME}. Either adds the pairs "
            f"that were found to {pairs.PATH}, where you can correct them one by one. Then run again."
        )
    return (
        f"{len(leaks)} training images leak from what is held out: {some(sentences(leaks))}. "
        f"They are shown in {shown}. No number is reported. {' '.join(fixes)}"
    )
