"""codec: any picture becomes upright RGB pixels, exactly, or is refused with a reason."""

import io
import resource
import struct
import zlib

import numpy as np
import pytest
from huskies.errors import HuskyError, UnreadableImage
from huskies.images import codec, profiles, rgb
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def save(picture: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def colours(content: bytes) -> list[list[tuple[int, ...]]]:
    return [[tuple(map(int, pixel)) for pixel in row] for row in codec.decode(content)]


def noise(height: int = 12, width: int = 10, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def reason(content: bytes) -> str:
    with pytest.raises(UnreadableImage) as refusal:
        codec.decode(content)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {"lossless": True}),
        ("PPM", {}),
        ("TGA", {}),
        ("PCX", {}),
        ("SGI", {}),
        ("JPEG2000", {}),
        ("QOI", {}),
    ],
)
def test_lossless_forms_keep_every_pixel(form, options):
    pixels = noise()
    decoded = codec.decode(save(Image.fromarray(pixels), form, **options))
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, pixels)


def test_a_jpeg_has_the_pixels_that_pillow_reads():
    content = save(Image.fromarray(noise()), "JPEG", quality=90)
    assert np.array_equal(codec.decode(content), np.asarray(Image.open(io.BytesIO(content))))


def test_transparent_pixels_lie_on_white():
    picture = Image.new("RGBA", (4, 1))
    for x, pixel in enumerate([(255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 0, 127), (0, 0, 255, 51)]):
        picture.putpixel((x, 0), pixel)
    expected = [[RED, WHITE, (128, 128, 128), (204, 204, 255)]]
    assert colours(save(picture, "PNG")) == expected
    assert colours(save(picture, "TIFF")) == expected


def test_transparent_grey_lies_on_white():
    picture = Image.new("LA", (3, 1))
    for x, pixel in enumerate([(0, 255), (0, 0), (100, 51)]):
        picture.putpixel((x, 0), pixel)
    assert colours(save(picture, "PNG")) == [[BLACK, WHITE, (224, 224, 224)]]


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_the_transparent_colour_of_a_palette_lies_on_white(form):
    picture = Image.new("P", (3, 1))
    picture.putpalette([*RED, *GREEN, *BLUE])
    picture.putdata([0, 1, 2])
    assert colours(save(picture, form)) == [[RED, GREEN, BLUE]]
    assert colours(save(picture, form, transparency=1)) == [[RED, WHITE, BLUE]]


def test_each_colour_of_a_palette_may_have_its_own_transparency():
    picture = Image.new("P", (3, 1))
    picture.putpalette([*RED, *BLACK, *BLUE])
    picture.putdata([0, 1, 2])
    assert colours(save(picture, "PNG", transparency=bytes([255, 127, 0]))) == [[RED, (128, 128, 128), WHITE]]


def test_a_transparent_colour_of_rgb_and_of_grey_lies_on_white():
    picture = Image.new("RGB", (2, 1), RED)
    picture.putpixel((1, 0), BLUE)
    assert colours(save(picture, "PNG", transparency=BLUE)) == [[RED, WHITE]]
    assert colours(save(Image.new("L", (1, 1), 7), "PNG", transparency=7)) == [[WHITE]]


def test_black_and_white_and_grey_become_rgb():
    picture = Image.new("1", (2, 1))
    picture.putpixel((1, 0), 1)
    assert colours(save(picture, "PNG")) == [[BLACK, WHITE]]
    assert colours(save(Image.new("L", (1, 1), 77), "PNG")) == [[(77, 77, 77)]]


@pytest.mark.parametrize(("form", "order"), [("PNG", "<u2"), ("TIFF", "<u2"), ("TIFF", ">u2"), ("PPM", "<u2")])
def test_16_bit_grey_keeps_its_high_byte(form, order):
    deep = np.array([[0, 255, 256, 0x8001, 0xFFFF]], order)
    assert colours(save(Image.fromarray(deep), form)) == [[BLACK, BLACK, (1, 1, 1), (128, 128, 128), WHITE]]


def test_cmyk_becomes_rgb():
    decoded = codec.decode(save(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100))
    assert np.abs(decoded.astype(int) - RED).max() <= 3
    assert colours(save(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "TIFF")) == [[RED]]


# The letter F, so that no turn and no mirror image of it looks alike.
LETTER = np.array(
    [[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0]],
    np.uint8,
)
# How a camera that writes this orientation has stored what was upright before it.
STORED = {
    1: LETTER,
    2: np.fliplr(LETTER),
    3: np.rot90(LETTER, 2),
    4: np.flipud(LETTER),
    5: LETTER.T,
    6: np.rot90(LETTER),
    7: np.rot90(LETTER, 2).T,
    8: np.rot90(LETTER, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_a_picture_is_turned_upright_by_its_exif(form, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    large = np.kron(STORED[orientation], np.full((16, 16), 255, np.uint8))
    content = save(Image.fromarray(large), form, exif=exif)

    decoded = codec.decode(content)
    assert np.array_equal(decoded[8::16, 8::16, 0] > 127, LETTER)
    assert np.array_equal(decoded, np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")))


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    assert np.array_equal(codec.decode(save(Image.fromarray(noise()), "PNG", exif=exif)), noise())


@pytest.mark.parametrize(
    "exif",
    [b"Exif\0\0garbage", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\x05\x01\x12"],
)
@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_damaged_exif_costs_no_image(form, options, exif):
    assert np.array_equal(codec.decode(save(Image.fromarray(noise()), form, exif=exif, **options)), noise())


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (3, 2), colour) for colour in (RED, GREEN, BLUE)]
    for form in ("GIF", "PNG", "TIFF"):
        content = save(frames[0], form, save_all=True, append_images=frames[1:])
        assert colours(content) == [[RED] * 3] * 2, form


def test_an_empty_file_is_refused():
    assert reason(b"") == "the file is empty"


@pytest.mark.parametrize("content", [b"not a picture", b"\0" * 1000, b"<svg/>", b"\xff\xd8"])
def test_what_is_no_picture_is_refused(content):
    assert reason(content) == "not a picture of a format that is read"


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"\x89PNG\r\n\x1a\n", "a PNG"), (b"\0\0\0\x18ftypheic", "a HEIC"), (b"\xff\xd8\xff", "a JPEG")],
)
def test_what_only_begins_like_a_picture_is_called_damaged(content, kind):
    assert reason(content) == f"damaged: {kind} that cannot be opened"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("PNG", "image file is truncated"),
        ("JPEG", "image file is truncated (151 bytes not processed)"),
        ("GIF", "image file is truncated (253 bytes not processed)"),
        ("BMP", "image file is truncated (82 bytes not processed)"),
        ("TIFF", "image file is truncated (61 bytes not processed)"),
        ("WEBP", "could not create decoder object"),
    ],
)
def test_a_picture_cut_short_is_refused(form, text):
    content = save(Image.fromarray(noise(32, 32)), form)
    assert reason(content[: len(content) * 3 // 4]) == f"damaged: {text}"


def test_any_damage_is_the_picture_s_fault_and_says_so():
    def outcome(content: bytes) -> str:
        try:
            codec.decode(content)
        except UnreadableImage as error:
            return str(error).split(":")[0]
        return "read"

    outcomes = set()
    for form in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"):
        content = save(Image.fromarray(noise(16, 16)), form)
        random = np.random.default_rng(3)
        for _ in range(60):
            damaged = bytearray(content)
            for place in random.integers(0, len(content), 6):
                damaged[place] = random.integers(0, 256)
            outcomes.add(outcome(bytes(damaged)))
    assert {"read", "damaged", "not a picture of a format that is read"} <= outcomes
    assert outcomes <= {
        "read",
        "damaged",
        "not a picture of a format that is read",
        "too large",
        "too large for the memory of this machine",
    }


def _png(width: int, height: int, compressed: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", compressed) + chunk(b"IEND", b"")


def test_a_png_written_by_hand_is_read():
    assert colours(_png(2, 1, zlib.compress(b"\0\x05\xff"))) == [[(5, 5, 5), WHITE]]


def test_a_decompression_bomb_is_refused_before_it_is_unpacked():
    compressor = zlib.compressobj(9)
    stream = b"".join(compressor.compress(b"\0" * 60001) for _ in range(2000)) + compressor.flush()
    bomb = _png(60000, 60000, stream)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert reason(bomb) == "too large: 3600.0 megapixels, and 125.8 are the most"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 32 << 10


def test_a_picture_of_one_side_far_longer_than_the_other_is_refused_where_that_is_asked():
    content = save(Image.new("L", (1001, 1), 9), "PNG")
    assert codec.decode(content).shape == (1, 1001, 3)
    assert codec.decode(content, max_aspect=1001).shape == (1, 1001, 3)
    with pytest.raises(UnreadableImage) as refusal:
        codec.decode(content, max_aspect=1000)
    assert str(refusal.value) == "1001 × 1 pixels: one side has more than 1000 times those of the other"


def test_a_side_that_no_jpeg_can_have_is_refused():
    assert codec.decode(codec.encode(np.zeros((1, 65_500, 3), np.uint8), 50)).shape == (1, 65_500, 3)
    with pytest.raises(UnreadableImage) as refusal:
        codec.encode(np.zeros((2, 65_501, 3), np.uint8), 50)
    assert str(refusal.value) == (
        "65501 × 2 pixels, and a JPEG has at most 65500 a side: set convert.max_side to at most that"
    )


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# The forms that can hold each mode, and what else makes transparency.
FORMS = {
    "1": [("PNG", {}), ("TIFF", {"compression": "group4"}), ("PPM", {})],
    "L": [("PNG", {}), ("PNG", {"transparency": 7}), ("JPEG", {}), ("TIFF", {}), ("JPEG2000", {})],
    "LA": [("PNG", {}), ("TIFF", {})],
    "P": [("PNG", {}), ("PNG", {"transparency": bytes(range(256))}), ("GIF", {"transparency": 3}), ("BMP", {})],
    "PA": [("TIFF", {})],
    "RGB": [
        ("PNG", {}),
        ("PNG", {"transparency": (1, 2, 3)}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {}),
        ("QOI", {}),
    ],
    "RGBA": [("PNG", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True}), ("JPEG2000", {})],
    "CMYK": [("JPEG", {}), ("TIFF", {})],
    "YCbCr": [("JPEG", {}), ("TIFF", {})],
    "LAB": [("TIFF", {})],
    "I;16": [("PNG", {}), ("TIFF", {}), ("PPM", {})],
    "I": [("TIFF", {})],
    "F": [("TIFF", {})],
}


def stored(mode: str, width: int, height: int, seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    if mode in ("I;16", "I"):
        high = 1 << (16 if mode == "I;16" else 17)
        return Image.fromarray(
            random.integers(0, high, (height, width)).astype(np.uint16 if high < 1 << 17 else np.int32)
        )
    if mode == "F":
        return Image.fromarray(random.normal(0.5, 0.5, (height, width)).astype(np.float32))
    if mode in ("P", "PA"):
        picture = Image.fromarray(random.integers(0, 9, (height, width), dtype=np.uint8), "L").convert("P")
        picture.putpalette(random.integers(0, 256, 768, dtype=np.uint8).tobytes())
        return picture.convert("PA") if mode == "PA" else picture
    bands = len(Image.new(mode, (1, 1)).getbands())
    if mode == "1":
        return Image.fromarray(random.integers(0, 256, (height, width), dtype=np.uint8)).convert("1")
    size = width * height * bands
    return Image.frombytes(mode, (width, height), random.integers(0, 256, size, dtype=np.uint8).tobytes())


def whole(content: bytes) -> np.ndarray:
    """Return what decode does, with the whole picture turned and converted at once."""
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        orientation = picture.getexif().get(ExifTags.Base.Orientation)
        turned = picture.transpose(TURNS[orientation]) if orientation in TURNS else picture
        return np.asarray(rgb._conversion(turned, [])(turned))


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from([(mode, *form) for mode, forms in FORMS.items() for form in forms]),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 300),
    st.integers(1, 8),
    st.integers(0, 1000),
)
def test_pixels_in_bands_are_those_of_the_whole_picture(form, width, height, band, orientation, seed):
    mode, form, options = form
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    turned = {"exif": exif} if form in ("PNG", "JPEG", "TIFF", "WEBP") else {}
    content = save(stored(mode, width, height, seed), form, **options, **turned)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profiles, "BAND", band)
        decoded = codec.decode(content)
    assert np.array_equal(decoded, whole(content))
    assert decoded.flags.c_contiguous


@pytest.mark.parametrize(
    ("height", "width", "after"),
    [(40, 80, (10, 20)), (80, 40, (20, 10)), (20, 20, (20, 20)), (7, 19, (7, 19)), (1, 400, (1, 20))],
)
def test_the_longer_side_is_reduced_and_never_enlarged(height, width, after):
    shrunk = codec.shrink(np.full((height, width, 3), (10, 200, 30), np.uint8), 20)
    assert shrunk.shape == (*after, 3)
    assert (shrunk == (10, 200, 30)).all()


@pytest.mark.parametrize(("orientation", "progressive"), [(1, False), (6, False), (1, True)])
def test_a_large_jpeg_is_reduced_while_it_is_decoded_to_nearly_the_same_pixels(orientation, progressive):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    pixels = np.asarray(Image.fromarray(noise(12, 16)).resize((1600, 1200), Image.Resampling.BICUBIC))
    content = save(Image.fromarray(pixels), "JPEG", quality=95, exif=exif, progressive=progressive)
    reduced = codec.decode(content, max_side=200)
    whole = codec.shrink(codec.decode(content), 200)
    assert reduced.shape == whole.shape == ((150, 200, 3) if orientation == 1 else (200, 150, 3))
    assert np.abs(reduced.astype(int) - whole).mean() < 1


def test_a_jpeg_is_decoded_to_twice_the_pixels_asked_for_at_least(monkeypatch):
    sizes = []
    monkeypatch.setattr(codec, "shrink", lambda pixels, max_side: sizes.append(pixels.shape[:2]) or pixels)
    content = save(Image.new("RGB", (1600, 1200)), "JPEG")
    for max_side in (0, 100, 101, 200, 201, 400, 401, 800):
        codec.decode(content, max_side=max_side)
    assert [width for _, width in sizes] == [1600, 200, 400, 400, 800, 800, 1600, 1600]


def test_an_image_within_the_limit_is_left_as_it_is():
    pixels = noise()
    assert codec.shrink(pixels, 12) is pixels
    assert codec.shrink(pixels, 0) is pixels


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 250), st.integers(1, 250), st.integers(1, 250), st.integers(0, 100))
def test_shrinking_gives_the_pixels_that_pillow_gives_in_one_step(width, height, max_side, seed):
    pixels = noise(height, width, seed)
    scale = max_side / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    once = pixels
    if scale < 1:
        once = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "_LARGE", 10_000)
        assert np.array_equal(codec.shrink(pixels, max_side), once)


def test_resizing_squeezes_into_a_square():
    pixels = np.zeros((2, 4, 3), np.uint8)
    pixels[:, 2:] = 200
    assert codec.resize(pixels, 2)[:, :, 0].tolist() == [[17, 183], [17, 183]]
    square = noise(6, 6)
    assert codec.resize(square, 6) is square


def test_a_jpeg_holds_nothing_but_the_pixels_in_full_colour():
    content = codec.encode(noise(), 95)
    assert content == codec.encode(noise(), 95)
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.format == "JPEG"
        assert {layer[1:3] for layer in picture.layer} == {(1, 1)}
        assert picture.getexif() == {}
        assert set(picture.info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_higher_quality_is_nearer_to_the_pixels():
    def error(quality: int) -> float:
        return float(np.abs(codec.decode(codec.encode(noise(), quality)).astype(int) - noise()).mean())

    assert error(100) < 1 < error(95) < error(50)


def test_bytes_are_read_only_if_they_are_the_manifest_s(tmp_path):
    path = tmp_path / "split" / "dog" / "train_a.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert codec.sha256(b"abc") == digest
    assert codec.read_checked(path, digest) == b"abc"

    expected = f"{path} is not the file its manifest lists. Delete {tmp_path / 'split'} and run the same command again."
    path.write_bytes(b"abd")
    with pytest.raises(HuskyError) as changed:
        codec.read_checked(path, digest)
    path.unlink()
    with pytest.raises(HuskyError) as missing:
        codec.read_checked(path, digest)
    assert str(changed.value) == str(missing.value) == expected


@pytest.mark.parametrize("quality", [50, 95, 100])
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (17, 33), (96, 128)])
def test_opencv_decodes_what_was_encoded_to_the_pixels_that_pillow_does(size, quality):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(pixels).resize((size[1] * 3, size[0] * 3), Image.Resampling.BICUBIC))
    for each in (pixels, smooth):
        jpeg = codec.encode(each, quality)
        assert (codec.decode_jpeg(jpeg) == codec.decode(jpeg)).all()


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff no picture"])
def test_opencv_refuses_what_is_no_picture(content):
    with pytest.raises(UnreadableImage, match=r"^not a JPEG that OpenCV can read$"):
        codec.decode_jpeg(content)
