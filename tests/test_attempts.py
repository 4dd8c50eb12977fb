"""attempts: what came of each raw image, made here or by a shard."""

import io
from dataclasses import replace

import numpy as np
import pytest
from conftest import bare_job
from huskies import shards
from huskies.errors import UnreadableImage
from huskies.images import attempts, codec
from huskies.images.labelled import RawImage
from huskies.shards import Shard
from PIL import Image
from sharded import make_shards


def png(grey: int) -> bytes:
    drawn = io.BytesIO()
    Image.fromarray(np.full((9, 9, 3), grey, np.uint8)).save(drawn, "PNG")
    return drawn.getvalue()


FILES = {"cat/a.png": png(1), "cat/b.png": png(2), "dog/c.png": b"no picture", "dog/d.png": png(4)}
IMAGES = [RawImage(source, source.split("/")[0]) for source in FILES]


@pytest.fixture
def job(tmp_path):
    return bare_job("convert", tmp_path / "out", params={"convert": {"quality": 90, "max_side": 0}})


def read(source: str) -> bytes:
    if source == "dog/gone.png":
        raise FileNotFoundError(2, "No such file or directory")
    return FILES[source]


def run(job) -> str:
    """Make a shard's results, as convert does."""
    named = [
        (each, f"{each.source[:-4]}.jpg") for each in IMAGES if job.shard.holds(codec.sha256(each.source.encode()))
    ]
    return attempts.write_shard(named, attempts.all_of([image for image, _ in named], read, job), job.output)


def test_each_image_has_its_jpeg_or_a_reason(job):
    images = [*IMAGES, RawImage("dog/gone.png", "dog")]
    made = list(attempts.all_of(images, read, job))
    assert [each.jpeg is not None for each in made] == [True, True, False, True, False]
    assert made[0].source_sha256 == codec.sha256(FILES["cat/a.png"])
    assert (codec.decode(made[1].jpeg) == 2).all()
    assert made[2].reason == "not a picture of a format that is read"
    assert made[4][::2] == ("", "cannot be read: No such file or directory")


def test_what_shards_made_is_taken_over_and_nothing_is_read_again(job, tmp_path):
    expected = list(attempts.all_of(IMAGES, read, job))
    whole, said = make_shards(job, run, 3, tmp_path / "shards")
    assert sum(int(each.split()[0]) for each in said) == 3

    def refuse(source):
        raise AssertionError(source)

    found = list(attempts.all_of(IMAGES, refuse, whole))
    assert [each._replace(jpeg=each.jpeg and each.jpeg.read_bytes()) for each in found] == expected


def test_a_shard_takes_over_by_bytes_and_never_by_name(job, tmp_path, monkeypatch):
    make_shards(job, run, 1, tmp_path / "shards")
    changed = {"cat/a.png": FILES["cat/b.png"], "cat/b.png": png(7)}
    converted = []
    ordinary = attempts.convert_image
    monkeypatch.setattr(
        attempts, "convert_image", lambda content, *more: converted.append(content) or ordinary(content, *more)
    )
    again = replace(job, shard=Shard(1, 1), previous=tmp_path / "shards/convert_1_of_1")
    made = list(attempts.all_of(IMAGES, lambda source: {**FILES, **changed}[source], again))
    assert converted == [png(7), b"no picture"]
    assert made[0].jpeg == tmp_path / "shards/convert_1_of_1/cat/b.jpg"
    assert made[0].source_sha256 == codec.sha256(FILES["cat/b.png"])


def test_what_was_done_by_guess_is_remembered(job, tmp_path, monkeypatch):
    def guessing(content, quality, max_side, notes):
        notes.append(("deeper pixels were scaled", "0 to 4095"))
        return b"jpeg"

    monkeypatch.setattr(attempts, "convert_image", guessing)
    whole, _ = make_shards(job, run, 2, tmp_path / "shards")
    assert next(attempts.all_of(IMAGES, read, whole)).notes == [("deeper pixels were scaled", "0 to 4095")]


def test_a_shard_without_images_has_results_all_the_same(job, tmp_path):
    whole, said = make_shards(job, run, 40, tmp_path / "shards")
    assert said.count("0 images, 0 rejected") >= 36
    assert (whole.shards[0] / shards.RESULTS).read_text().startswith("source,source_sha256,file,reason,notes\n")


def test_an_image_that_cannot_be_opened_says_why(job):
    def refuse(source):
        raise UnreadableImage("more than 256 MiB")

    assert next(attempts.all_of(IMAGES, refuse, job)).reason == "more than 256 MiB"


def test_what_a_shard_saw_of_a_file_that_was_put_back_is_not_believed(job, tmp_path):
    expected = list(attempts.all_of(IMAGES, read, job))
    seen = {**FILES, "cat/a.png": png(200)}

    def see(part):
        named = [(each, f"{each.source[:-4]}.jpg") for each in IMAGES]
        return attempts.write_shard(named, attempts.all_of(IMAGES, seen.__getitem__, part), part.output)

    whole, _ = make_shards(job, see, 1, tmp_path / "shards")
    contents = {source: codec.sha256(content) for source, content in FILES.items()}
    asked = []
    found = list(attempts.all_of(IMAGES, lambda source: asked.append(source) or read(source), whole, contents))
    assert asked == ["cat/a.png"]
    assert found[0] == expected[0]


def test_what_a_shard_could_not_read_is_tried_again(job, tmp_path):
    def fail(source):
        raise OSError(5, "Input/output error")

    def see(part):
        named = [(each, f"{each.source[:-4]}.jpg") for each in IMAGES]
        return attempts.write_shard(named, attempts.all_of(IMAGES, fail, part), part.output)

    whole, said = make_shards(job, see, 1, tmp_path / "shards")
    assert said == ["0 images, 4 rejected"]
    assert [each.reason for each in attempts.all_of(IMAGES, read, whole)] == [
        *("", "", "not a picture of a format that is read", "")
    ]
