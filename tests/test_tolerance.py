"""tolerance: what every viewer shows is read, and what lacks pixels is still refused."""

import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from huskies.errors import UnreadableImage
from huskies.images import codec, tolerance
from PIL import ExifTags, Image


def photo(seed: int, height: int = 48, width: int = 64) -> Image.Image:
    few = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(few).resize((width, height), Image.Resampling.BICUBIC)


def save(picture: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def refused(content: bytes) -> str:
    with pytest.raises(UnreadableImage) as refusal:
        codec.decode(content)
    return str(refusal.value).lower()


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"restart_marker_rows": 1}, {"optimize": True}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("seed", range(5))
def test_a_jpeg_that_lacks_only_its_end_marker_has_all_its_pixels(tmp_path, mode, options, seed):
    content = save(photo(seed, 40 + seed).convert(mode), "JPEG", quality=90, **options)
    whole = codec.decode(content)
    for cut in (1, 2):
        assert np.array_equal(codec.decode(content[:-cut]), whole)
    if mode != "CMYK":
        path = tmp_path / "endless.jpg"
        path.write_bytes(content[:-2])
        assert np.array_equal(whole, cv2.imread(str(path), cv2.IMREAD_COLOR_RGB))


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("seed", range(5))
def test_a_jpeg_that_lacks_pixels_is_refused(mode, seed):
    content = save(photo(seed).convert(mode), "JPEG", quality=90)
    # The last byte before the end marker may be padding for the most part; those before it are pixels.
    for cut in (4, 5, 8, 20, len(content) // 4, len(content) // 2):
        assert "truncated" in refused(content[:-cut]), cut
        assert "truncated" in refused(content[:-cut] + b"\xff"), cut


def test_a_progressive_jpeg_without_its_end_is_refused_since_scans_may_be_missing():
    content = save(photo(1), "JPEG", progressive=True)
    assert "truncated" in refused(content[:-2])


def test_a_turned_jpeg_without_its_end_is_upright_and_reduced():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    content = save(photo(1, 480, 640), "JPEG", exif=exif)
    assert np.array_equal(codec.decode(content[:-2], max_side=100), codec.decode(content, max_side=100))


def test_a_jpeg_too_large_to_be_there_twice_is_left_as_it_is(monkeypatch):
    content = save(photo(1), "JPEG")[:-2]
    monkeypatch.setattr(tolerance, "_LARGEST", len(content) - 1)
    assert "truncated" in refused(content)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_chunk(png: bytes, extra: bytes, last: bool) -> bytes:
    place = png.index(b"IEND") - 4 if last else png.index(b"IDAT") - 4
    return png[:place] + extra + png[place:]


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        chunk(b"zTXt", b"notes\0\0" + zlib.compress(bytes(3_000_000))),
        chunk(b"iTXt", b"notes\0\1\0\0\0" + zlib.compress(bytes(3_000_000))),
    ],
)
def test_a_png_with_much_text_has_its_pixels_and_its_orientation(text, last):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    content = save(photo(2), "PNG", exif=exif)
    assert np.array_equal(codec.decode(with_chunk(content, text, last)), codec.decode(content))
    assert codec.decode(content).shape == (64, 48, 3)


def test_a_png_with_text_that_is_damaged_otherwise_is_refused():
    text = chunk(b"zTXt", b"notes\0\0" + zlib.compress(bytes(3_000_000)))
    content = with_chunk(save(photo(2), "PNG"), text, False)
    assert refused(content[: len(content) * 3 // 4]) == "damaged: image file is truncated"


@pytest.mark.shared
@pytest.mark.parametrize("name", ["jpeg-no-eoi/trunc_eoi.jpg", "png-text/bigtext.png"])
def test_what_pillow_refuses_has_the_pixels_that_opencv_shows(name):
    path = Path(os.environ["HUSKIES_SHARED"], "data/faults", name)
    assert np.array_equal(codec.decode(path.read_bytes()), cv2.imread(str(path), cv2.IMREAD_COLOR_RGB))
