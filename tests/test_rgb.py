"""rgb: deep pixels become eight bits by what they hold, said where it is a guess, and never all black or white."""

import io
import os
import struct
from pathlib import Path

import cv2
import hostile_images
import numpy as np
import pytest
from hostile_images import chunk
from huskies.errors import UnreadableImage
from huskies.images import codec, rgb
from PIL import Image

BITS = np.arange(256, dtype=np.uint8).reshape(16, 16)


def tiff(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "TIFF")
    return buffer.getvalue()


def grey(content: bytes) -> tuple[np.ndarray, list[str]]:
    """Return the grey values of a picture, and the ranges that were guessed."""
    notes: list[tuple[str, str]] = []
    pixels = codec.decode(content, notes=notes)
    assert (pixels == pixels[..., :1]).all()
    assert {what for what, _ in notes} <= {rgb.SCALED}
    return pixels[..., 0], [how for _, how in notes]


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", [np.uint16, np.int32])
def test_whole_numbers_are_taken_for_the_fewest_bits_that_hold_them(bits, kind):
    deep = BITS.astype(kind) << (bits - 8)
    said = [] if bits == 16 else [f"0 to {2**bits - 1}"]
    pixels, ranges = grey(tiff(deep))
    assert ranges == said
    assert np.array_equal(pixels, BITS)


@pytest.mark.parametrize("white", [1, 255, 1023, 4095, 16383, 65535])
def test_floats_are_taken_from_0_to_1_or_for_so_many_bits(white):
    pixels, ranges = grey(tiff((BITS / 255 * white).astype(np.float32)))
    assert ranges == ([] if white == 1 else [f"0 to {white}"])
    assert np.array_equal(pixels, BITS)


def test_floats_a_little_beyond_0_to_1_are_clipped_and_no_number_is_black():
    pixels, ranges = grey(tiff(np.array([[-0.04, 0.0, 0.5, 1.0, 1.04, np.nan]], np.float32)))
    assert ranges == []
    assert pixels.tolist() == [[0, 0, 128, 255, 255, 0]]


@pytest.mark.parametrize(
    ("values", "shown", "said"),
    [
        (np.array([[0, 50_000, 100_000]], np.int32), [0, 128, 255], "0 to 100000"),
        (np.array([[-1000, 0, 3000]], np.int32), [0, 64, 255], "-1000 to 3000"),
        (np.array([[-30, -10]], np.int32), [0, 255], "-30 to -10"),
        (np.array([[0, 3.75, 7.5]], np.float32), [0, 128, 255], "0 to 7.5"),
        (np.array([[0, 0.01, np.inf, np.nan]], np.float32), [0, 255, 255, 0], "0 to 0.01"),
        (np.array([[-1, 0, 1]], np.float32), [0, 128, 255], "-1 to 1"),
        (np.array([[0, 1e9]], np.float32), [0, 255], "0 to 1e+09"),
    ],
)
def test_what_fits_nowhere_is_stretched_from_its_lowest_value_to_its_highest(values, shown, said):
    pixels, ranges = grey(tiff(values))
    assert (pixels.tolist(), ranges) == ([shown], [said])


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_black_stays_black_and_nothing_is_said(kind):
    assert grey(tiff(np.zeros((2, 3), kind)))[1] == []
    assert not grey(tiff(np.zeros((2, 3), kind)))[0].any()


def test_the_transparent_value_of_16_bit_grey_lies_on_white():
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0x0708, 0x0707, 0xFFFF, 0x8000]], np.uint16)).save(buffer, "PNG", transparency=0x0707)
    assert grey(buffer.getvalue())[0].tolist() == [[7, 255, 255, 128]]


def test_the_transparent_colour_of_16_bit_colours_lies_on_white():
    def png(transparent: int) -> bytes:
        return hostile_images.png(
            2, 1, 2, 16, fill=b"\x80", extra=chunk(b"tRNS", struct.pack(">3H", *[transparent] * 3))
        )

    assert codec.decode(png(0x8080)).tolist() == [[[255] * 3] * 2]
    assert codec.decode(png(0x8081)).tolist() == [[[128] * 3] * 2]


@pytest.mark.parametrize("ending", [".png", ".tif"])
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_16_bits_keep_their_high_byte_and_those_that_hold_12_are_refused(ending, channels):
    deep = np.random.default_rng(0).integers(0, 1 << 16, (5, 7, channels)).astype(np.uint16)
    deep[..., 3:] = 65535
    deep[0, 0, :3] = 65535

    def file(values: np.ndarray) -> bytes:
        return cv2.imencode(ending, values)[1].tobytes()

    assert np.array_equal(codec.decode(file(deep)), (deep[..., 2::-1] >> 8).astype(np.uint8))
    deep[..., :3] >>= 4
    with pytest.raises(UnreadableImage) as refusal:
        codec.decode(file(deep))
    assert str(refusal.value) == (
        "16 bits a channel, of which the upper four are not used: save it with 8 bits a channel"
    )


@pytest.mark.shared
def test_a_picture_looks_the_same_however_deep_it_is_stored():
    folder = Path(os.environ["HUSKIES_SHARED"], "data/faults/deep-pixels")
    plain = cv2.imread(str(folder / "plain8.png"), cv2.IMREAD_GRAYSCALE)
    for name in ("float255.tif", "i32_8bit.tif", "u12in16.tif", "u16.tif", "u8in16.png"):
        assert np.array_equal(grey((folder / name).read_bytes())[0], plain), name
    stored = cv2.imread(str(folder / "l16trns.png"), cv2.IMREAD_UNCHANGED)
    stored = stored if stored.ndim == 2 else stored[..., 0]
    shown = grey((folder / "l16trns.png").read_bytes())[0]
    assert np.array_equal(shown, np.where(stored == 1799, 255, stored >> 8))
