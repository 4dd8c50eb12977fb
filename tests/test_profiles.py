"""profiles: colours of an embedded profile become sRGB, as the arithmetic of the profile gives; else it is said."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from huskies.images import codec, profiles
from PIL import Image, ImageCms

# Primaries in XYZ, adapted to the white of profiles, D50: red, green and blue are the columns.
SRGB = np.array([[0.4360, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
ADOBE = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7448]])
WHITE = np.array([0.9642, 1.0, 0.8249])
GAMMA = 2.19921875


def profile(space: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ", kind: bytes = b"mntr") -> bytes:
    """Return a version 2 ICC profile."""
    body, table = b"", struct.pack(">I", len(tags))
    for name, data in tags.items():
        table += struct.pack(">4sII", name, 128 + 4 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4sI4s4s4s12s4s", size, b"\0\0\0\0", 0x02400000, kind, space, connection, bytes(12), b"acsp")
    return (head + bytes(28) + xyz(WHITE)[8:]).ljust(128, b"\0") + table + body


def xyz(values: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(each * 65536) for each in values))


def curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def rgb_profile(primaries: np.ndarray, gamma: float) -> bytes:
    columns = {name: xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries.T, strict=True)}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve(gamma))
    return profile(b"RGB ", {b"wtpt": xyz(WHITE), **columns, **curves})


def grey_profile(gamma: float) -> bytes:
    return profile(b"GRAY", {b"wtpt": xyz(WHITE), b"kTRC": curve(gamma)})


def encoded(linear: np.ndarray) -> np.ndarray:
    """Return sRGB's 8 bits of linear light from 0 to 1."""
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def shown(colours: np.ndarray, primaries: np.ndarray, gamma: float) -> np.ndarray:
    light = (colours / 255) ** gamma
    return encoded(light @ primaries.T @ np.linalg.inv(SRGB).T)


def save(picture: Image.Image, form: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def colours(height: int = 30, width: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def decoded(content: bytes, **options) -> tuple[np.ndarray, list]:
    notes: list = []
    return codec.decode(content, notes=notes, **options), notes


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_colours_of_a_profile_become_those_of_srgb(form):
    options = {"lossless": True} if form == "WEBP" else {}
    content = save(Image.fromarray(colours()), form, icc_profile=rgb_profile(ADOBE, GAMMA), **options)
    pixels, notes = decoded(content)
    expected = shown(colours(), ADOBE, GAMMA)
    assert notes == []
    assert np.abs(pixels - expected).max() < 1.5
    assert np.abs(expected - colours()).max() > 50


def test_opaque_and_palette_pictures_follow_their_profile_and_transparency_stays_white():
    embedded = rgb_profile(ADOBE, GAMMA)
    rgba = Image.fromarray(np.dstack([colours(), np.where(colours()[..., :1] < 99, 0, 255).astype(np.uint8)]))
    seen = colours()[..., 0] >= 99
    pixels, _ = decoded(save(rgba, icc_profile=embedded))
    assert (pixels[~seen] == 255).all()
    assert np.abs(pixels - shown(colours(), ADOBE, GAMMA))[seen].max() < 1.5
    palette = Image.fromarray(colours()).quantize(8)
    pixels, _ = decoded(save(palette, icc_profile=embedded))
    assert np.abs(pixels - shown(np.asarray(palette.convert("RGB")), ADOBE, GAMMA)).max() < 1.5


def test_grey_follows_a_profile_for_grey_and_one_for_colours():
    steps = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for embedded in (grey_profile(1.0), rgb_profile(SRGB, 1.0)):
        pixels, notes = decoded(save(Image.fromarray(steps), icc_profile=embedded))
        assert notes == []
        assert np.abs(pixels - encoded(steps / 255)[..., None]).max() < 2


def test_sixteen_bits_follow_their_profile_too():
    deep = np.arange(256, dtype=np.uint16).reshape(16, 16) << 8
    pixels, _ = decoded(save(Image.fromarray(deep), icc_profile=grey_profile(1.0)))
    assert np.abs(pixels - encoded((deep >> 8) / 255)[..., None]).max() < 2


def lab(lightness: float, a: float, b: float) -> np.ndarray:
    """Return sRGB's 8 bits of a colour in CIELAB."""
    y = (lightness + 16) / 116
    ratios = [each**3 if each > 6 / 29 else (each - 4 / 29) * 108 / 841 for each in (y + a / 500, y, y - b / 200)]
    return encoded(np.linalg.inv(SRGB) @ (ratios * WHITE))


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_inks_follow_the_table_of_their_profile(form):
    # What paper shows under all inks or none of each of cyan, magenta, yellow and black.
    table = dict.fromkeys(np.ndindex(2, 2, 2, 2), (0.0, 0.0, 0.0))
    table |= {(0, 0, 0, 0): (100, 0, 0), (1, 0, 0, 0): (60, -30, -30), (0, 1, 0, 0): (50, 50, 0)}
    grid = bytes(round(each) for light, a, b in table.values() for each in (light * 2.55, a + 128, b + 128))
    identity = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    lut = b"mft1\0\0\0\0\4\3\2\0" + identity + bytes(range(256)) * 4 + grid + bytes(range(256)) * 3
    embedded = profile(b"CMYK", {b"wtpt": xyz(WHITE), b"A2B0": lut}, connection=b"Lab ", kind=b"prtr")
    options = {"quality": 100, "subsampling": 0} if form == "JPEG" else {}
    for ink in [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 0, 1)]:
        picture = Image.new("CMYK", (16, 8), tuple(255 * each for each in ink))
        pixels, notes = decoded(save(picture, form, icc_profile=embedded, **options))
        assert notes == []
        assert np.abs(pixels - lab(*table[ink])).max() < 3, ink


def test_a_profile_of_srgb_changes_nothing():
    for embedded in (ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), b""):
        pixels, notes = decoded(save(Image.fromarray(colours()), icc_profile=embedded))
        assert notes == []
        assert np.array_equal(pixels, colours())


def test_a_reduced_picture_has_its_colours_converted_once_it_is_small():
    large = Image.fromarray(colours(3, 4)).resize((800, 600), Image.Resampling.BICUBIC)
    for form in ("PNG", "JPEG"):
        plain = codec.decode(save(large, form), max_side=40)
        pixels, _ = decoded(save(large, form, icc_profile=rgb_profile(ADOBE, GAMMA)), max_side=40)
        assert np.abs(pixels - shown(plain, ADOBE, GAMMA)).max() < 1.5


def test_the_pixels_are_those_of_one_step_in_bands(monkeypatch):
    content = save(Image.fromarray(colours()), icc_profile=rgb_profile(ADOBE, GAMMA))
    whole = codec.decode(content)
    monkeypatch.setattr(profiles, "BAND", 100)
    assert np.array_equal(codec.decode(content), whole)


@pytest.mark.parametrize(
    ("mode", "embedded", "why"),
    [
        ("RGB", b"no profile", "it cannot be read"),
        ("RGB", rgb_profile(ADOBE, GAMMA)[:300], "it cannot be read"),
        ("RGB", grey_profile(1.0), "it is for L pixels"),
        ("CMYK", rgb_profile(ADOBE, GAMMA), "it is for RGB pixels"),
        ("RGB", bytes(5_000_000), "it has 5.0 MB"),
    ],
)
def test_a_profile_that_cannot_be_used_is_said_and_the_picture_is_kept(mode, embedded, why):
    picture = Image.fromarray(colours()).convert(mode)
    pixels, notes = decoded(save(picture, "TIFF", icc_profile=embedded))
    assert notes == [(profiles.IGNORED, why)]
    assert np.array_equal(pixels, np.asarray(picture.convert("RGB")))


@pytest.mark.shared
@pytest.mark.parametrize(("name", "most"), [("adobe.png", 4), ("p3.png", 2), ("adobe.jpg", 15), ("p3.jpg", 8)])
def test_one_picture_looks_the_same_in_every_profile(name, most):
    folder = Path(os.environ["HUSKIES_SHARED"], "data/faults/icc")
    plain = codec.decode((folder / "srgb.png").read_bytes()).astype(int)
    pixels, notes = decoded((folder / name).read_bytes())
    assert notes == []
    assert np.abs(pixels - plain).max() <= most
    assert np.abs(pixels - plain).mean() < 1
