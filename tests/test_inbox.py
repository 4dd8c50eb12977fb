"""inbox: the oddest photos come first, what is there already is named, and photos of another kind are told."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from bottleneck_inputs import picture
from conftest import USES_KERAS, Clone, do, in_own_cache
from finals import made
from huskies.__main__ import main
from huskies.images import raw
from huskies.model import inbox
from PIL import Image

pytestmark = USES_KERAS


@pytest.fixture(scope="module")
def handed_over(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("handed_over")
    with in_own_cache(place):
        job, _ = made(place)
    # As convert makes them, a new photo that is one of these has its very bytes.
    return job.output


def row(file: str, probability: float | None, remark: str = "") -> inbox.Row:
    return inbox.Row(file, "a", probability, 0.1, "b.jpg", remark)


def test_what_has_a_remark_comes_first_and_then_the_least_sure():
    rows = [row("sure", 0.9), row("unsure", 0.4), row("b", 0.8, "odd"), row("a", 0.8, "odd"), row("none", None, "odd")]
    assert [each.file for each in inbox.oddest_first(rows)] == ["none", "a", "b", "unsure", "sure"]


RANDOM = np.random.default_rng(0)
OWN = RANDOM.uniform(0.1, 0.2, 200)


def test_photos_as_far_away_as_ones_own_look_like_them():
    assert inbox.sentence(RANDOM.uniform(0.1, 0.2, 20), OWN).startswith("The new photos look like those")


def test_photos_that_are_all_farther_away_do_not():
    said = inbox.sentence(RANDOM.uniform(0.18, 0.3, 20), OWN)
    assert said.startswith("The new photos do NOT look like those it was trained on (p < 0.001): they are 0.2")
    assert said.endswith("look through every label.")


def test_of_a_few_photos_nothing_is_said():
    assert inbox.sentence(np.array([9.0] * 4), OWN) == (
        "Of fewer than 5 new photos it cannot be said whether they are like those it was trained on."
    )


def test_photos_of_ones_own_are_rarely_said_to_be_unlike():
    found = [inbox.unlike(RANDOM.uniform(0.1, 0.2, 20), OWN) < inbox.LEVEL for _ in range(500)]
    assert np.mean(found) < 0.03


def table_of(place: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((place / inbox.NAME).read_text(encoding="utf-8").splitlines()))


def fill(folder: Path) -> None:
    """Put seven photos into a folder, of which two are one, one is noise, and one none."""
    folder.mkdir()
    for number in range(20, 24):
        (folder / f"{number}.jpg").write_bytes(picture(number))
    shutil.copy(folder / "20.jpg", folder / "again.jpg")
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    Image.fromarray(noise).save(folder / "noise, of nothing.png")
    (folder / "text.jpg").write_text("no picture")


def test_the_table_is_what_raw_reads(handed_over, in_project, tmp_path, capsys):
    place = tmp_path / "new"
    fill(place)
    assert main(["inbox", str(place), "--model", str(handed_over), "--cores", "1"]) == 0
    said = capsys.readouterr().out
    rows = table_of(place)
    assert list(rows[0]) == inbox.COLUMNS
    remarks = {each["file"]: each["remark"] for each in rows}
    assert remarks["again.jpg"] == f"the same picture as {place}/20.jpg"
    assert remarks["noise, of nothing.png"] == "none of these"
    assert "text.jpg" not in remarks
    assert said.startswith(
        f"7 photos, {1 + sum(map(bool, remarks.values()))} of them with a remark. Look through {place}/"
    )
    assert "  text.jpg: not read: not a picture of a format that is read\n" in said
    assert [bool(each["remark"]) for each in rows] == sorted((bool(each["remark"]) for each in rows), reverse=True)
    (place / "text.jpg").unlink()
    read = raw.open_raw(place)
    assert {each.source: each.label for each in read.images} == {each["file"]: each["label"] for each in rows}


def test_a_table_that_may_have_been_corrected_is_not_written_over(handed_over, in_project, tmp_path, capsys):
    place = tmp_path / "new"
    fill(place)
    (place / "inbox.csv").write_text("mine")
    assert main(["inbox", str(place), "--model", str(handed_over)]) == 2
    assert capsys.readouterr().err == (
        f"ERROR: {place}/inbox.csv is there already, and may have been corrected. Take its photos over, or delete it, "
        "and ask again.\n"
    )
    assert (place / "inbox.csv").read_text() == "mine"


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["inbox", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"ERROR: there is no folder {tmp_path}/none. Name the folder of the new photos.\n"


@pytest.mark.long
def test_photos_that_were_looked_through_join_the_set_and_those_there_stay_in_their_split(built: Clone):
    do(built, "snakemake", "--cores", "2", "final")
    before = (built.folder / "data/split/manifest.csv").read_text().splitlines()
    digits, new = Path(__file__).parents[1] / "data/digits", built.folder / "new"
    new.mkdir()
    for label in ("0", "3", "6"):
        for number, photo in enumerate(sorted((digits / label).glob("*.png"))[40:44]):
            shutil.copy(photo, new / f"{label}-{number}.png")
    do(built, "huskies", "inbox", "new")
    for row in table_of(new):
        true, target = row["file"][0], built.folder / "data/digits" / row["file"][0]
        shutil.move(new / row["file"], target / f"new-{row['file']}")
        assert row["label"] in {"0", "3", "6"}, true
    said = do(built, "snakemake", "--cores", "2", "final")
    assert "bottlenecks_original: computed" in said
    after = (built.folder / "data/split/manifest.csv").read_text().splitlines()
    assert set(before) <= set(after)
    assert len(after) == len(before) + 12
    assert json.loads((built.folder / "data/final/final.json").read_text())["format"] == 1
