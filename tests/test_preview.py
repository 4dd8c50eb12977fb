"""preview: the policy on a few images, before any set is built, and without a look at what will be held out."""

import base64
import re
import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from browser import DESKTOP, PHONE, visit
from conftest import Clone, bare_job, do, stages_run
from huskies.augmentation import gallery
from huskies.errors import HuskyError
from huskies.images import codec, contact_sheet, conversion, manifest, places, raw, raw_files
from huskies.job import Job
from huskies.steps import preview

SPLIT = {"given": "keep", "validation": 0.3, "test": 0.2, "seed": 1, "repeat": 0}
POLICY = [{"transform": "Affine", "rotate": [-20, 20], "p": 1.0}, {"transform": "HorizontalFlip", "p": 0.5}]


def picture(seed: int, height: int = 24, width: int = 32) -> bytes:
    return codec.encode(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8), 95)


def photos(folder: Path, classes: str = "ab", of_each: int = 12) -> Path:
    for label in classes:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(of_each):
            (folder / label / f"{number}.jpg").write_bytes(picture(1000 * ord(label) + number))
    return folder


def make_job(source: Path, output: Path, policy: list[dict] = POLICY, **given) -> Job:
    output.mkdir(parents=True)
    params = {
        "raw": str(source),
        "convert": {"quality": 95, "max_side": 1024},
        "split": SPLIT,
        "aug": {"policy": policy, "seed": 1},
    }
    return bare_job("preview", output, params=params, raw_digest=raw_files.raw_digest(source), **given)


def trained_on(source: Path, **parameters) -> list[str]:
    raw_set = raw.open_raw(source)
    rows = preview.to_train_on(raw_set, preview.raw_digests(source, raw_set), SPLIT | parameters)
    return sorted(rows["file"])


class Page(HTMLParser):
    """What a page fetches, says for its pictures, and has as text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses, self.alts, self.texts, self.tags = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        self.alts += [value for name, value in attributes if name == "alt"]

    def handle_data(self, data):
        self.texts.append(data)


def test_a_few_images_of_each_class_are_shown_with_the_policy_and_each_transform(tmp_path, monkeypatch):
    job = make_job(photos(tmp_path / "raw"), tmp_path / "out")
    drawn = []
    monkeypatch.setattr(contact_sheet, "draw", lambda rows, _: drawn.append(rows) or b"PNG")
    said = preview.run(job)
    assert said == f"2 transforms on 4 images of 2 classes: see {tmp_path}/preview/preview.html"
    assert sorted(path.name for path in job.output.iterdir()) == ["policy.png", "preview.html", "transforms.png"]
    whole, alone = drawn
    assert [row.caption.splitlines()[0] for row in whole] == ["a", "a", "b", "b"]
    assert {len(row.pictures) for row in whole} == {7}
    assert [row.caption.splitlines()[:2] for row in alone] == [
        ["aug.policy.0 Affine", "a"],
        ["aug.policy.0 Affine", "b"],
        ["aug.policy.0 Affine", "extremes"],
        ["aug.policy.1 HorizontalFlip", "a"],
        ["aug.policy.1 HorizontalFlip", "b"],
        ["aug.policy.1 HorizontalFlip", "extremes"],
    ]
    page = Page((job.output / "preview.html").read_text(encoding="utf-8"))
    shown = [picture for rows in drawn for row in rows for picture in row.pictures]
    held = [base64.b64decode(address.removeprefix("data:image/jpeg;base64,")) for address in page.addresses]
    assert held == [picture.jpeg for picture in shown]
    assert len(page.alts) == len(held)
    assert all(page.alts)


def test_an_image_is_seen_as_convert_makes_it_and_augmented_as_augment_does(tmp_path):
    source = photos(tmp_path / "raw")
    large = picture(7, 1200, 40)
    (source / "a/0.jpg").write_bytes(large)
    raw_set = raw.open_raw(source)
    rows = manifest.make([{"file": "a/0.jpg", "label": "a", "source_sha256": codec.sha256(large)}], ["source"])
    [original] = preview.read(raw_set, rows, 90, 64)
    assert (original.label, original.file, original.source_sha256) == ("a", "a/0.jpg", codec.sha256(large))
    assert (original.pixels == codec.decode(conversion.convert_image(large, 90, 64))).all()
    assert max(original.pixels.shape) == 64


def test_the_images_are_those_that_the_split_trains_on(tmp_path):
    source = photos(tmp_path / "raw", of_each=40)
    # As group and split would have it, without near-duplicates: each image is a group of its own.
    place = {str(path.relative_to(source)): codec.sha256(path.read_bytes())[:16] for path in source.rglob("*.jpg")}
    for seed in (1, 2):
        expected = sorted(file for file, group in place.items() if places.position(seed, group) >= 0.5)
        assert trained_on(source, seed=seed) == expected
    assert trained_on(source, repeat=1) != trained_on(source)


def test_what_is_bound_by_name_copy_or_column_is_held_out_together(tmp_path):
    source = photos(tmp_path / "raw", of_each=30)
    trained, held_out = (
        next(
            file for file in sorted(f"a/{number}.jpg" for number in range(30)) if (file in trained_on(source)) is wanted
        )
        for wanted in (True, False)
    )
    shutil.copy(source / held_out, source / "a/copy.jpg")
    assert "a/copy.jpg" not in trained_on(source)
    (source / "a/copy.jpg").unlink()
    # One is bound to the other: what is the smaller by sha256 decides for both.
    digest = {file: codec.sha256((source / file).read_bytes()) for file in (trained, held_out)}
    (source / trained).rename(source / "a/x_nohash_0.jpg")
    (source / held_out).rename(source / "a/x_nohash_1.jpg")
    together = digest[trained] < digest[held_out]
    files = {"a/x_nohash_0.jpg", "a/x_nohash_1.jpg"}
    assert files & set(trained_on(source)) == (files if together else set())


def test_a_copy_under_another_label_is_not_shown(tmp_path):
    source = photos(tmp_path / "raw")
    file = trained_on(source)[0]
    shutil.copy(source / file, source / "b/other.jpg")
    assert not {file, "b/other.jpg"} & set(trained_on(source))


def test_a_zip_shows_what_its_folder_shows(tmp_path):
    source = photos(tmp_path / "raw")
    with zipfile.ZipFile(tmp_path / "raw.zip", "w") as archive:
        for path in sorted(source.rglob("*.jpg")):
            archive.write(path, path.relative_to(source))
    for name, given in (("one", source), ("other", tmp_path / "raw.zip")):
        preview.run(make_job(given, tmp_path / name))
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "other")]
    assert files[0] == files[1]


def test_a_broken_image_is_passed_over_and_a_class_without_any_other_is_left_out(tmp_path):
    source = photos(tmp_path / "raw")
    raw_set = raw.open_raw(source)
    rows = preview.to_train_on(raw_set, preview.raw_digests(source, raw_set), SPLIT)
    first, second, *_ = rows[rows["label"] == "a"]["file"]
    (source / first).write_bytes(b"broken")
    for file in rows[rows["label"] == "b"]["file"]:
        (source / file).write_bytes(b"broken")
    shown = [original.file for original in preview.read(raw_set, rows, 95, 0)]
    assert shown[0] == second
    assert {file[0] for file in shown} == {"a"}
    assert len(shown) == 2


def test_where_no_image_can_be_read_the_message_says_so(tmp_path):
    source = photos(tmp_path / "raw")
    for path in source.rglob("*.jpg"):
        path.write_bytes(f"broken {path}".encode())
    with pytest.raises(HuskyError, match=r"no image of .*raw can be read\. Fix them, or set 'raw' in params\.yaml"):
        preview.run(make_job(source, tmp_path / "out"))


def test_images_that_change_meanwhile_are_not_shown_as_those_of_the_plan(tmp_path):
    source = photos(tmp_path / "raw")
    job = make_job(source, tmp_path / "out")
    (source / "a/0.jpg").write_bytes(picture(5))
    with pytest.raises(HuskyError, match=r"raw changed while it was being looked at\. Run the same command again\."):
        preview.run(job)


def test_an_image_that_vanishes_while_the_images_are_listed_is_named(tmp_path):
    source = photos(tmp_path / "raw")
    raw_set = raw.open_raw(source)
    (source / "a/3.jpg").unlink()
    with pytest.raises(HuskyError) as error:
        preview.raw_digests(source, raw_set)
    assert str(error.value) == (f"{source} changed while it was being looked at: a/3.jpg. Run the same command again.")


def test_images_that_cannot_be_read_bind_no_others(tmp_path):
    source = photos(tmp_path / "raw", of_each=30)
    trained = [file for file in trained_on(source) if file.startswith("a/")]
    held_out = [file for file in sorted(f"a/{number}.jpg" for number in range(30)) if file not in trained]
    # Were they taken for copies of one image, all of their siblings would be held out together, or none.
    for number, file in enumerate((trained[0], held_out[0])):
        (source / file).rename(source / f"a/{number}_nohash_0.jpg")
    raw_set = raw.open_raw(source)
    readable = preview.to_train_on(raw_set, preview.raw_digests(source, raw_set), SPLIT)
    for number in range(2):
        (source / f"a/{number}_nohash_1.jpg").symlink_to("nowhere")
    raw_set = raw.open_raw(source)
    digests = preview.raw_digests(source, raw_set)
    assert digests.count("unreadable: No such file or directory") == 2
    found = preview.to_train_on(raw_set, digests, SPLIT)
    assert list(found["file"]) == list(readable["file"])
    assert "a/0_nohash_0.jpg" in set(found["file"])
    assert "a/1_nohash_0.jpg" not in set(found["file"])


def test_where_no_file_can_be_opened_the_message_says_so(tmp_path):
    for label in "ab":
        (tmp_path / "raw" / label).mkdir(parents=True)
        (tmp_path / "raw" / label / "0.jpg").symlink_to("nowhere")
    with pytest.raises(HuskyError, match=r"no image of .*raw can be read\."):
        preview.run(make_job(tmp_path / "raw", tmp_path / "out"))


def test_an_empty_policy_has_no_sheet_of_transforms(tmp_path):
    job = make_job(photos(tmp_path / "raw"), tmp_path / "out", [])
    assert preview.run(job).startswith("0 transforms on 4 images of 2 classes: ")
    assert sorted(path.name for path in job.output.iterdir()) == ["policy.png", "preview.html"]


@pytest.mark.parametrize("label", ["<script>alert(1)</script>", "\"quoted\" & 'so'", "שלום", "long " * 40, "{body}"])
def test_the_name_of_a_class_is_shown_as_text(label):
    page = Page(preview.page([(label, [gallery.Row(label, [gallery.Picture(label, b"JPEG")])])]))
    # The page's own.
    assert page.tags.count("script") == 1
    assert page.texts.count(label) == 3
    assert page.alts == [f"{label} of {label}"]


def test_the_page_fetches_nothing_and_the_same_pictures_give_the_same_bytes(tmp_path):
    source = photos(tmp_path / "raw")
    for name in ("one", "other"):
        preview.run(make_job(source, tmp_path / name))
    text = (tmp_path / "one/preview.html").read_text(encoding="utf-8")
    assert all(address.startswith("data:image/jpeg;base64,") for address in Page(text).addresses)
    assert not re.search(r"https?://|@import|url\(", text)
    for file in ("preview.html", "policy.png", "transforms.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


@pytest.mark.browser
@pytest.mark.parametrize(("size", "dark"), [(PHONE, True), (DESKTOP, False)])
def test_the_page_is_in_order_in_a_browser(chromium, tmp_path, size, dark):
    job = make_job(photos(tmp_path / "raw"), tmp_path / "out")
    preview.run(job)
    with visit(chromium, job.output / "preview.html", size, dark) as seen:
        assert (seen.errors, seen.outside, seen.violations()) == ([], [], [])
        assert seen.page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.long
def test_preview_runs_alone_leaves_the_numbers_as_they_are_and_follows_the_policy(built: Clone, clone: Clone):
    said = do(clone, "snakemake", "--cores", "2", "preview")
    assert stages_run(said) == ["preview"]
    assert [path.name for path in (clone.folder / "data").iterdir() if path.is_dir() and path.name[0] != "."] in (
        ["digits", "preview"],
        ["preview", "digits"],
    )
    assert stages_run(do(clone, "snakemake", "--cores", "2", "preview")) == []
    before = clone.bytes_of("preview")

    numbers = built.bytes_of("metrics", "split")
    assert stages_run(do(built, "snakemake", "--cores", "2", "preview")) == ["preview"]
    assert built.bytes_of("preview") == before
    assert stages_run(do(built, "snakemake", "--cores", "2", "report")) == []
    assert built.bytes_of("metrics", "split") == numbers
    assert built.run("dvc", "status").stdout.strip() == "Data and pipelines are up to date."

    clone.set(aug__policy=[{"transform": "HorizontalFlip", "p": 0.5}])
    assert stages_run(do(clone, "snakemake", "--cores", "2", "preview")) == ["preview"]
    assert clone.bytes_of("preview").keys() != before.keys()
    clone.set(aug__policy=[{"transform": "HorizontalFlop"}])
    done = clone.run("snakemake", "--cores", "2", "preview")
    assert done.returncode == 2
    assert "there is no transform 'HorizontalFlop'. Did you mean 'HorizontalFlip'?" in done.stderr


@pytest.mark.long
def test_what_is_shown_before_the_split_is_trained_on_after_it(first_build, monkeypatch):
    folder = first_build[0].folder
    monkeypatch.chdir(folder)
    rows = manifest.read(Path("data/split/manifest.csv"))
    parameters = {"given": "keep", "validation": 0.3, "test": 0.2, "seed": 1, "repeat": 0}
    trained = set(rows[rows["split"] == "train"]["source_sha256"])
    raw_set = raw.open_raw(Path("data/digits"))
    found = preview.to_train_on(raw_set, preview.raw_digests(Path("data/digits"), raw_set), parameters)
    assert set(found["source_sha256"]) == trained


def test_images_in_a_folder_around_the_classes_are_found(tmp_path):
    for label in ("cat", "dog"):
        for number in range(4):
            path = tmp_path / f"raw/photos/{label}/{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{label} {number}".encode())
    raw_set = raw.open_raw(tmp_path / "raw")
    assert {image.label for image in raw_set.images} == {"cat", "dog"}
    expected = [codec.sha256(image.source.replace("/", " ").removesuffix(".png").encode()) for image in raw_set.images]
    assert preview.raw_digests(tmp_path / "raw", raw_set) == expected
