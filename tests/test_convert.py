"""convert: what people have becomes JPEGs with a manifest; what is broken is listed, and nothing is lost."""

import io
import shutil
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path

import hostile_images
import numpy as np
import pandas as pd
import pytest
from conftest import bare_job
from huskies.errors import HuskyError
from huskies.images import attempts, codec, manifest, raw_files
from huskies.images.raw import RawImage
from huskies.job import Job
from huskies.shards import Shard
from huskies.steps import convert
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sharded import make_shards


def png(seed: int, height: int = 6, width: int = 8, form: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def fill(folder: Path, files: dict[str, bytes | str]) -> Path:
    """Write files below a folder, by path; text as UTF-8."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def make_job(raw: Path, output: Path, cores: int = 1, **parameters) -> Job:
    output.mkdir()
    return bare_job(
        stage="convert",
        params={"raw": str(raw), "convert": {"quality": 95, "max_side": 1024, "max_rejected": 10, **parameters}},
        raw_digest=raw_files.raw_digest(raw),
        output=output,
        cores=cores,
    )


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Let a failure write its logs/ where nobody minds."""
    monkeypatch.chdir(tmp_path)


def first_line(job: Job) -> str:
    """Run convert; return the first line of what it says."""
    return convert.run(job).splitlines()[0]


def refusal(job: Job) -> str:
    with pytest.raises(HuskyError) as error:
        convert.run(job)
    return str(error.value)


def rows(job: Job) -> dict[str, dict[str, str]]:
    return {row["file"]: row for row in manifest.read(job.output / "manifest.csv").to_dict("records")}


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


PHOTOS = {
    "cat/a.png": png(1),
    "cat/in/b.bmp": png(2, form="BMP"),
    "dog/c.png": png(3),
    "dog/d.gif": png(4, form="WEBP"),
}


def test_every_picture_becomes_a_jpeg_with_a_row(tmp_path):
    job = make_job(fill(tmp_path / "raw", PHOTOS), tmp_path / "out")
    assert first_line(job) == "4 images in 2 classes, 0 rejected"

    made = rows(job)
    assert list(made) == ["cat/a.jpg", "cat/in_b.jpg", "dog/c.jpg", "dog/d.jpg"]
    for (file, row), (source, original) in zip(made.items(), PHOTOS.items(), strict=True):
        jpeg = (job.output / file).read_bytes()
        assert jpeg == codec.encode(codec.decode(original), 95)
        assert row == {
            "file": file,
            "label": source.split("/")[0],
            "split": "",
            "group": "",
            "source_sha256": codec.sha256(original),
            "copy": "",
            "sha256": codec.sha256(jpeg),
            "source": source,
        }
    assert (job.output / "rejected.csv").read_bytes() == b"file,label,reason\n"


def test_broken_images_are_listed_with_their_reason(tmp_path):
    files = PHOTOS | {"cat/empty.png": b"", "dog/text.jpg": "hello", "cat/zut.png": png(5)[:150], "dog/notes.txt": "x"}
    job = make_job(fill(tmp_path / "raw", files), tmp_path / "out")

    assert first_line(job) == "4 images in 2 classes, 3 rejected; ignored 1 files that are no images (.txt)"
    assert (job.output / "rejected.csv").read_text() == (
        "file,label,reason\n"
        "cat/empty.png,cat,the file is empty\n"
        "cat/zut.png,cat,damaged: image file is truncated\n"
        "dog/text.jpg,dog,not a picture of a format that is read\n"
    )
    assert list(rows(job)) == ["cat/a.jpg", "cat/in_b.jpg", "dog/c.jpg", "dog/d.jpg"]


def test_a_file_that_cannot_be_read_is_listed_too(tmp_path):
    raw = fill(tmp_path / "raw", PHOTOS)
    # Reading a process's memory from its start is refused by Linux, even to root.
    (raw / "cat" / "x.png").symlink_to("/proc/self/mem")
    job = make_job(raw, tmp_path / "out")
    assert first_line(job) == "4 images in 2 classes, 1 rejected"
    listed = (job.output / "rejected.csv").read_text()
    assert listed == "file,label,reason\ncat/x.png,cat,cannot be read: Input/output error\n"


def test_a_member_damaged_inside_a_zip_is_listed_too(tmp_path):
    packed = tmp_path / "raw.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name, original in PHOTOS.items():
            archive.writestr(name, original)
    packed.write_bytes(packed.read_bytes().replace(PHOTOS["cat/in/b.bmp"], bytes(len(PHOTOS["cat/in/b.bmp"]))))
    job = make_job(packed, tmp_path / "out")
    assert first_line(job) == "3 images in 2 classes, 1 rejected"
    listed = (job.output / "rejected.csv").read_text()
    assert listed == (
        "file,label,reason\ncat/in/b.bmp,cat,damaged inside the zip: Bad CRC-32 for file 'cat/in/b.bmp'\n"
    )


def test_more_broken_images_than_allowed_fail_the_run(tmp_path):
    files = PHOTOS | {"cat/x.png": b"", "dog/y.png": b"no"}
    raw = fill(tmp_path / "raw", files)
    assert first_line(make_job(raw, tmp_path / "enough", max_rejected=2)) == "4 images in 2 classes, 2 rejected"
    assert refusal(make_job(raw, tmp_path / "few", max_rejected=1)) == (
        "2 images cannot be used, and convert.max_rejected is 1: cat/x.png (the file is empty), "
        "dog/y.png (not a picture of a format that is read). "
        "Fix or remove them, or raise convert.max_rejected in params.yaml."
    )


def test_one_class_alone_is_refused(tmp_path):
    raw = fill(tmp_path / "raw", {"cat/a.png": png(1), "cat/b.png": png(2)})
    assert refusal(make_job(raw, tmp_path / "out")) == (
        "there is only one class, 'cat'. A classifier needs two or more: add another class."
    )


def test_a_class_whose_images_are_all_broken_is_refused(tmp_path):
    raw = fill(tmp_path / "raw", PHOTOS | {"owl/a.png": b"", "owl/b.png": b"x"})
    assert refusal(make_job(raw, tmp_path / "out")) == (
        "no image of the class 'owl' can be used: owl/a.png (the file is empty), owl/b.png (not a picture of a format "
        "that is read). Fix its images, or remove the class."
    )


def test_raw_that_is_wholly_broken_is_refused(tmp_path):
    raw = fill(tmp_path / "raw", {"cat/a.png": b"", "dog/b.png": b""})
    assert refusal(make_job(raw, tmp_path / "out")).startswith("no image of the class 'cat' can be used: cat/a.png (")


def test_files_that_collide_after_conversion_all_survive(tmp_path):
    files = {"cat/x.png": png(1), "cat/x.bmp": png(2, form="BMP"), "cat/X.PNG": png(3), "cat/a/b.png": png(4)}
    files |= {"cat/a_b.png": png(5), "dog/x.png": png(6)}
    job = make_job(fill(tmp_path / "raw", files), tmp_path / "out")
    convert.run(job)

    made = rows(job)
    assert len({file.casefold() for file in made}) == len(files)
    assert {row["source_sha256"] for row in made.values()} == {codec.sha256(each) for each in files.values()}
    assert all(codec.sha256((job.output / file).read_bytes()) == row["sha256"] for file, row in made.items())


def test_a_labelled_file_in_a_folder_called_like_its_label_survives(tmp_path):
    table = "file,label\ncat/x.png,cat\nx.png,cat\ny.png,dog\n"
    files = {"t.csv": table, "cat/x.png": png(1), "x.png": png(2), "y.png": png(3)}
    job = make_job(fill(tmp_path / "raw", files), tmp_path / "out")
    convert.run(job)
    assert {file: row["source"] for file, row in rows(job).items()} == {
        "cat/cat_x.jpg": "cat/x.png",
        "cat/x.jpg": "x.png",
        "dog/y.jpg": "y.png",
    }


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_class_folder_has_one_name_however_its_accents_are_composed(tmp_path, form):
    files = {unicodedata.normalize(form, "café/é.png"): png(1), "tea/b.png": png(2)}
    job = make_job(fill(tmp_path / "raw", files), tmp_path / "out")
    convert.run(job)
    assert list(rows(job)) == [unicodedata.normalize("NFC", "café/é.jpg"), "tea/b.jpg"]


def test_two_folders_that_differ_in_composition_are_one_class_and_lose_nothing():
    composed, apart = "caf\u00e9", "cafe\u0301"
    names = convert.name_files([RawImage(f"{folder}/x.png", composed) for folder in (composed, apart)])
    assert len(set(names)) == 2
    assert all(name.startswith(f"{composed}/") for name in names)


def test_labels_that_differ_only_in_letter_case_are_refused():
    with pytest.raises(HuskyError) as error:
        convert.name_files([RawImage("a.png", "Cat"), RawImage("b.png", "dog"), RawImage("c.png", "cat")])
    assert str(error.value) == "the labels 'Cat' and 'cat' differ only in letter case. Spell them alike."


@pytest.mark.parametrize("label", ["dogs/husky", "..", "100%", "🐶", "כלב", "<script>", "manifest", "NA", " x "])
def test_any_label_becomes_a_folder_and_stays_in_the_manifest(tmp_path, label):
    [file] = convert.name_files([RawImage("a.png", label)])
    path = tmp_path / file
    path.parent.mkdir()
    path.write_bytes(b"")
    assert [each.name for each in tmp_path.iterdir()] == [file.split("/")[0]]
    assert convert.naming.label_of(file.split("/")[0]) == label


def test_the_same_bytes_come_from_any_number_of_cores(tmp_path):
    files = {f"{label}/{n}.png": png(n) for n in range(12) for label in ("cat", "dog")} | {"cat/bad.png": b"bad"}
    raw = fill(tmp_path / "raw", files)
    one, two = make_job(raw, tmp_path / "one"), make_job(raw, tmp_path / "two", cores=2)
    assert convert.run(one) == convert.run(two)
    assert content(one.output) == content(two.output)
    assert len(content(one.output)) == 26


def test_a_zip_gives_what_its_folder_gives(tmp_path):
    raw = fill(tmp_path / "raw", PHOTOS)
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", raw))
    there, zipped = make_job(raw, tmp_path / "there"), make_job(packed, tmp_path / "zipped")
    convert.run(there)
    convert.run(zipped)
    assert content(there.output) == content(zipped.output)


def test_columns_of_the_csv_are_kept_and_never_hide_the_contract_s(tmp_path):
    table = "file,label,group,sha256,source,weight\na.png,cat,anna,mine,web,3.0\nb.png,dog,,,,NA\n"
    raw = fill(tmp_path / "raw", {"t.csv": table, "a.png": png(1), "b.png": png(2)})
    job = make_job(raw, tmp_path / "out")
    convert.run(job)

    read = manifest.read(job.output / "manifest.csv")
    assert list(read.columns) == [*manifest.COLUMNS, "source", "csv_sha256", "csv_source", "weight"]
    first, second = rows(job).values()
    assert (first["group"], first["csv_sha256"], first["csv_source"], first["weight"]) == ("anna", "mine", "web", "3.0")
    assert (first["source"], first["sha256"]) == ("a.png", codec.sha256((job.output / "cat/a.jpg").read_bytes()))
    assert (second["group"], second["csv_sha256"], second["csv_source"], second["weight"]) == ("", "", "", "NA")


def test_quality_and_max_side_shape_the_jpeg(tmp_path):
    raw = fill(tmp_path / "raw", {"cat/a.png": png(1, 30, 60), "dog/b.png": png(2, 10, 10)})
    job = make_job(raw, tmp_path / "out", quality=40, max_side=20)
    convert.run(job)

    shrunk = np.asarray(Image.open(io.BytesIO(png(1, 30, 60))).resize((20, 10), Image.Resampling.LANCZOS, None, 3.0))
    assert (job.output / "cat/a.jpg").read_bytes() == codec.encode(shrunk, 40)
    small = codec.decode(png(2, 10, 10))
    assert (job.output / "dog/b.jpg").read_bytes() == codec.encode(small, 40)


def test_a_max_side_of_0_keeps_the_size(tmp_path):
    raw = fill(tmp_path / "raw", {"cat/a.png": png(1, 3, 1500), "dog/b.png": png(2)})
    job = make_job(raw, tmp_path / "out", max_side=0)
    convert.run(job)
    assert (job.output / "cat/a.jpg").read_bytes() == codec.encode(codec.decode(png(1, 3, 1500)), 95)


def test_raw_that_changes_meanwhile_fails_the_run(tmp_path):
    raw = fill(tmp_path / "raw", PHOTOS)
    job = make_job(raw, tmp_path / "out")
    fill(raw, {"cat/new.png": png(9)})
    assert refusal(job) == f"{raw} changed while it was being converted. Run the same command again."


def test_check_counts_before_it_looks_at_classes():
    made = pd.DataFrame({"label": ["cat"]})
    broken = pd.DataFrame({"file": ["dog/a.png"], "label": ["dog"], "reason": ["gone"]})
    with pytest.raises(HuskyError, match=r"^1 images cannot be used"):
        convert.check(made, broken, 0)
    with pytest.raises(HuskyError, match=r"^no image of the class 'dog' can be used"):
        convert.check(made, broken, 1)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"


def test_what_no_photo_is_costs_one_image_each_and_not_the_run(tmp_path):
    hostile = {
        "cat/bomb.png": hostile_images.png(1, 178_000_000, 0, 8),
        "cat/eps.jpg": EPS,
        "dog/strip.png": hostile_images.png(70_000, 10, 0, 8),
        "dog/wide.png": hostile_images.png(70_000, 100, 0, 8),
    }
    job = make_job(fill(tmp_path / "raw", PHOTOS | hostile), tmp_path / "out", cores=2, max_side=0)
    assert first_line(job) == "4 images in 2 classes, 4 rejected"
    assert (job.output / "rejected.csv").read_text() == (
        "file,label,reason\n"
        'cat/bomb.png,cat,"too large: 178.0 megapixels, and 125.8 are the most"\n'
        "cat/eps.jpg,cat,not a picture of a format that is read\n"
        "dog/strip.png,dog,70000 × 10 pixels: one side has more than 1000 times those of the other\n"
        'dog/wide.png,dog,"70000 × 100 pixels, and a JPEG has at most 65500 a side: '
        'set convert.max_side to at most that"\n'
    )


def test_pixels_that_were_guessed_at_are_named(tmp_path):
    def tiff(values, **options) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(values).save(buffer, "TIFF", **options)
        return buffer.getvalue()

    files = PHOTOS | {"cat/x.tif": tiff(np.zeros((2, 2, 3), np.uint8), icc_profile=b"no profile")}
    files |= {f"dog/{number}.tif": tiff(np.array([[0, 4000 + number]], np.uint16)) for number in range(7)}
    job = make_job(fill(tmp_path / "raw", files), tmp_path / "out", cores=2)
    assert convert.run(job) == (
        "12 images in 2 classes, 0 rejected\n"
        "  cat (3), dog (9)\n"
        "  colours were taken as sRGB, whatever their embedded profile says: cat/x.tif (it cannot be read)\n"
        "  deeper pixels were scaled to 8 bits by the values they hold: dog/0.tif (0 to 4095), dog/1.tif (0 to 4095), "
        "dog/2.tif (0 to 4095), dog/3.tif (0 to 4095), dog/4.tif (0 to 4095) and 2 more"
    )


def test_an_image_at_which_a_worker_is_killed_is_named(tmp_path, monkeypatch):
    (tmp_path / "deadly.py").write_text(
        "import os\nfrom huskies.images import attempts\nordinary = attempts._attempt\n"
        "def attempt(named, quality, max_side):\n"
        "    if named[0] == 'cat/x.png':\n        os.kill(os.getpid(), 9)\n"
        "    return ordinary(named, quality, max_side)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import deadly

    job = make_job(fill(tmp_path / "raw", PHOTOS | {"cat/x.png": png(9)}), tmp_path / "out", cores=2)
    monkeypatch.setattr(attempts, "_attempt", deadly.attempt)
    assert "cat/x.png" in refusal(job).partition("They were at ")[2]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.text(max_size=12), st.text(min_size=1, max_size=220)), min_size=1, max_size=6))
def test_any_labels_and_paths_get_names_of_their_own_or_are_refused(pairs):
    labelled = {source: label for source, label in pairs if source.strip("/.")}
    raw_images = [RawImage(f"{source}.png", label) for source, label in labelled.items()]
    try:
        names = convert.name_files(raw_images)
    except HuskyError:
        return
    assert len({name.casefold() for name in names}) == len(raw_images)
    for name in names:
        folder, file = name.split("/")
        assert max(len(folder.encode()), len(file.encode())) <= 204
        assert not set(name) & set("\0\n\r\\:*?<>|")
        assert not folder.startswith(".")


def test_corrections_move_a_photo_to_another_class_and_leave_another_out(tmp_path):
    raw = fill(tmp_path / "raw", {f"{label}/{number}.png": png(number) for label in "ab" for number in range(3)})
    (tmp_path / "corrections.csv").write_text("file,label\na/0.png,b\nb/2.png,drop\n")
    job = replace(make_job(raw, tmp_path / "out"), files={"corrections.csv": "0"})
    said = convert.run(job)
    assert said.splitlines()[0] == "5 images in 2 classes, 0 rejected"
    assert "corrections.csv: 1 labels changed (a/0.png), 1 photos left out (b/2.png)" in said
    labels = {row["source"]: row["label"] for row in rows(job).values()}
    assert labels == {"a/0.png": "b", "a/1.png": "a", "a/2.png": "a", "b/0.png": "b", "b/1.png": "b"}
    assert {row["file"].split("/")[0] for row in rows(job).values() if row["source"] == "a/0.png"} == {"b"}


def test_corrections_that_a_flow_does_not_know_change_nothing(tmp_path):
    raw = fill(tmp_path / "raw", {f"{label}/{number}.png": png(number) for label in "ab" for number in range(2)})
    (tmp_path / "corrections.csv").write_text("file,label\na/0.png,b\n")
    job = make_job(raw, tmp_path / "out")
    convert.run(job)
    assert {row["label"] for row in rows(job).values() if row["source"] == "a/0.png"} == {"a"}


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("cores", [1, 2])
def test_put_together_from_shards_the_bytes_are_the_same(tmp_path, count, cores):
    deep = io.BytesIO()
    Image.fromarray(np.array([[0, 4000]], np.uint16)).save(deep, "TIFF")
    files = PHOTOS | {"cat/empty.png": b"", "dog/e.tif": deep.getvalue()}
    whole = make_job(fill(tmp_path / "raw", files), tmp_path / "whole", cores=cores)
    expected = convert.run(whole)
    job = make_job(tmp_path / "raw", tmp_path / "together", cores=cores)
    together, said = make_shards(job, convert.run, count, tmp_path / "shards")
    assert sum(int(each.split()[0]) for each in said) == 5
    assert convert.run(together) == expected
    assert content(together.output) == content(whole.output)


def test_what_cannot_be_used_is_refused_of_all_shards_together(tmp_path):
    job = make_job(fill(tmp_path / "raw", PHOTOS | {"cat/empty.png": b""}), tmp_path / "out", max_rejected=0)
    together, said = make_shards(job, convert.run, 2, tmp_path / "shards")
    assert sorted(said)[-1].endswith("1 rejected") or "1 rejected" in said[0]
    assert refusal(together).startswith("1 images cannot be used, and convert.max_rejected is 0: cat/empty.png (")


def test_a_shard_of_a_zip_that_was_swapped_meanwhile_is_not_made_and_one_of_a_folder_is_put_right(
    tmp_path, monkeypatch
):
    raw = fill(tmp_path / "raw", PHOTOS)
    whole = make_job(raw, tmp_path / "whole")
    convert.run(whole)
    job = make_job(raw, tmp_path / "together")
    (raw / "cat/a.png").write_bytes(png(77))
    together, _ = make_shards(job, convert.run, 2, tmp_path / "shards")
    (raw / "cat/a.png").write_bytes(PHOTOS["cat/a.png"])
    convert.run(together)
    assert content(together.output) == content(whole.output)

    zipped = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", raw))
    of_zip = replace(make_job(zipped, tmp_path / "of zip"), shard=Shard(1, 2))
    with open(zipped, "ab") as file:
        file.write(b" ")
    assert refusal(of_zip) == f"{zipped} changed while it was being converted. Run the same command again."
