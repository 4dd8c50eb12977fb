"""Only pictures of the formats that are read are opened, and none that would take too much memory."""

import io
import os
import struct
import zlib
from pathlib import Path

import hostile_images
import pytest
from hostile_images import chunk, png, samples, save, tiff
from huskies.errors import UnreadableImage
from huskies.images import codec, conversion, formats, raw_files
from PIL import Image

ENDS = {
    "apng": ".apng .png",
    "avif": ".avif",
    "bmp": ".bmp",
    "dib": ".dib",
    "gif": ".gif",
    "icns": ".icns",
    "ico": ".ico",
    "j2k": ".j2k",
    "jp2": ".jp2",
    "jpeg": ".jpg .jpeg .jpe .jfif",
    "mpo": ".mpo",
    "pbm": ".pbm",
    "pcx": ".pcx",
    "pgm 16 bits": ".pgm",
    "ppm": ".ppm .pnm",
    "psd": ".psd",
    "qoi": ".qoi",
    "sgi": ".sgi",
    "sun": ".ras",
    "tga": ".tga",
    "tiff": ".tif .tiff",
    "webp": ".webp",
    "xbm": ".xbm",
    "xpm": ".xpm",
}


def reason(content: bytes) -> str:
    with pytest.raises(UnreadableImage) as refusal:
        conversion.convert_image(content, 90, 64)
    return str(refusal.value)


def test_every_ending_of_an_image_stands_for_a_format_that_is_read():
    # Pillow writes no HEIF; tests/heic has some.
    heif = {".heic", ".heics", ".heif", ".heifs", ".hif"}
    assert {ending for endings in ENDS.values() for ending in endings.split()} | heif == raw_files.ENDINGS


@pytest.mark.parametrize("name", ["upright", "turned"])
def test_a_heif_is_read_and_may_take_so_much_memory_and_not_a_byte_more(monkeypatch, name):
    content = (Path(__file__).parent / f"heic/{name}.heic").read_bytes()
    needed = 48 * 32 * 16 + len(content)
    monkeypatch.setattr(formats, "_BANDS", 0)
    monkeypatch.setattr(formats, "_MEMORY", needed)
    assert codec.decode(content).shape == (32, 48, 3)
    monkeypatch.setattr(formats, "_MEMORY", needed - 1)
    assert reason(content).startswith("too large: 0.0 megapixels")


@pytest.mark.parametrize("kind", samples())
def test_a_picture_of_every_kind_is_read(kind):
    assert codec.decode(samples()[kind]).size > 0


UNCLAIMED = {
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(x) show\n%%EOF\n",
    "EPS of DOS": b"\xc5\xd0\xd3\xc6"
    + struct.pack("<IIIIII", 32, 90, 0, 0, 0, 0)
    + bytes(4)
    + b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "WMF": b"\xd7\xcd\xc6\x9a\0\0" + struct.pack("<hhhhH", 0, 0, 9, 9, 72) + bytes(6) + b"\x01\0\t\0" + bytes(40),
    "FITS": b"SIMPLE  =                    T".ljust(80) + b"BITPIX  =                    8".ljust(80),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(90),
    "GRIB": b"GRIB\0\0\0\x01" + bytes(90),
    "BUFR": b"BUFR\0\0\0\x04" + bytes(90),
    "DDS": save(Image.new("RGB", (8, 8)), "DDS"),
    "MSP": save(Image.new("1", (8, 8)), "MSP"),
    "SPIDER": save(Image.new("F", (8, 8)), "SPIDER"),
    "PDF": save(Image.new("RGB", (8, 8)), "PDF"),
}


@pytest.mark.parametrize("form", UNCLAIMED)
def test_a_picture_of_any_other_format_is_refused_whatever_it_is_called(form):
    assert reason(UNCLAIMED[form]) == "not a picture of a format that is read"


def test_no_program_is_run_for_a_picture(tmp_path, monkeypatch):
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/was_run\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    assert reason(UNCLAIMED["EPS"])
    assert not (tmp_path / "was_run").exists()


def header(width: int, height: int, form: str = "JPEG", **options) -> bytes:
    """Return the start of a file of another size, of which no more than the header is right."""
    content = save(Image.new("RGB", (37, 29)), form, **options)
    return content.replace(struct.pack(">HH", 29, 37), struct.pack(">HH", height, width))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_photo_of_108_megapixels_is_within_the_limit():
    assert formats.open_picture(header(12_000, 9000)).size == (12_000, 9000)
    assert formats.open_picture(header(12_000, 9000, progressive=True)).size == (12_000, 9000)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (header(12_000, 10_500), "126.0 megapixels, and 125.8 are the most"),
        (
            header(12_000, 9500, progressive=True, subsampling=0),
            "114.0 megapixels, and 88.1 are the most for a JPEG file of 0.0 MB",
        ),
        (
            header(12_000, 10_400) + bytes(20_000_000),
            "124.8 megapixels, and 123.0 are the most for a JPEG file of 20.0 MB",
        ),
        (png(1, 178_000_000, 0, 8), "178.0 megapixels, and 125.8 are the most"),
        (png(1, 126_000_000, 0, 8), "126.0 megapixels, and 125.8 are the most"),
        (
            tiff(37, 29, 20_000, zlib.compress(b"")),
            "400.0 megapixels, and 125.8 are the most for a TIFF file of 0.0 MB",
        ),
    ],
)
def test_what_would_take_too_much_memory_is_refused_with_its_size_and_the_limit(content, text):
    assert reason(content) == f"too large: {text}"


@pytest.mark.parametrize(
    ("form", "bytes_a_pixel"), [("PNG", 7), ("QOI", 9), ("WEBP", 18), ("AVIF", 20), ("JPEG2000", 28)]
)
def test_a_picture_and_its_file_may_take_so_much_and_not_a_byte_more(monkeypatch, form, bytes_a_pixel):
    content = save(Image.new("RGB", (64, 64)), form)
    enough = formats._BANDS + len(content) + 64 * 64 * bytes_a_pixel
    monkeypatch.setattr(formats, "_MEMORY", enough)
    assert formats.open_picture(content).size == (64, 64)
    monkeypatch.setattr(formats, "_MEMORY", enough - 1)
    assert reason(content) == f"too large: 0.0 megapixels, and 0.0 are the most for a {form} file of 0.0 MB"


def test_a_large_picture_within_an_icon_is_refused():
    inner = png(3000, 3000, 6, 8)
    icns = b"icns" + struct.pack(">I4sI", 16 + len(inner), b"ic07", 8 + len(inner)) + inner
    assert reason(icns) == "too large: 9.0 megapixels, and 4.2 are the most for a ICNS file of 0.2 MB"


def test_a_thin_picture_is_refused_before_it_is_unpacked():
    assert reason(png(1, 90_000_000, 0, 8)) == (
        "1 × 90000000 pixels: one side has more than 1000 times those of the other"
    )


def test_a_side_that_no_jpeg_can_hold_is_a_rejection_with_its_remedy():
    content = png(70_000, 100, 0, 8)
    with pytest.raises(UnreadableImage) as refusal:
        conversion.convert_image(content, 90, 0)
    assert str(refusal.value) == (
        "70000 × 100 pixels, and a JPEG has at most 65500 a side: set convert.max_side to at most that"
    )
    assert Image.open(io.BytesIO(conversion.convert_image(content, 90, 65_500))).size == (65_500, 94)


def test_text_beside_the_pixels_changes_nothing():
    assert codec.decode(png(5, 4, 2, 8, extra=chunk(b"tEXt", b"a\0b"))).shape == (4, 5, 3)


@pytest.mark.long
@pytest.mark.parametrize("kind", hostile_images.LARGEST)
def test_the_largest_of_every_kind_takes_the_memory_that_it_is_reckoned_with(kind):
    # An eighth of the limit shows the bytes a pixel; the whole is what hostile_images.py measures by hand.
    share = (formats._MEMORY - formats._BANDS) // 8
    victim, base, totals = (
        hostile_images.Victim(share + formats._BANDS),
        hostile_images.Totals(),
        hostile_images.Totals(),
    )
    victim.take("nothing", b"", base)
    outcome = victim.take(kind, hostile_images.largest(kind, share), totals)
    victim.close()
    assert outcome == "read"
    assert totals.peak < base.peak + share + 2 * formats._BANDS
