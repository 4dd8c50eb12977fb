"""Zip files that are damaged or mean harm: each is read, as far as it goes, or refused with a message."""

import bz2
import io
import struct
import warnings
import zipfile
import zlib

import hostile_images
import pytest
from huskies.errors import HuskyError, UnreadableImage
from huskies.images import raw
from hypothesis import given, settings
from hypothesis import strategies as st

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
NAMES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["../a.png", "/etc/b.png", "a/../../c.png", "a//b.png", "CON/a.png", "A/A.png", "a/a.PNG", "a/x.csv"]
    ),
    st.builds("{}/{}.png".format, st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=300)),
)


def pack(members: list[tuple[str, bytes]], method: int) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def outcome(path) -> dict[str, bytes | str] | str:
    """Return what each image of a zip holds or why not, or why the whole is refused."""
    try:
        raw_set = raw.open_raw(path)
        found = {}
        for image in raw_set.images:
            try:
                found[image.source] = raw_set.read(image.source)
            except UnreadableImage as error:
                found[image.source] = str(error)
    except HuskyError as error:
        return str(error)
    return found


def damaged(content: bytes, changes: list[tuple[float, int]], kept: float) -> bytes:
    made = bytearray(content[: round(len(content) * kept)])
    for place, value in changes:
        if made:
            made[int(place * (len(made) - 1))] = value
    return bytes(made)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=200)), max_size=6),
    st.sampled_from(METHODS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6),
    st.sampled_from([1.0, 1.0, 0.99, 0.5]),
)
def test_any_zip_is_read_or_refused(tmp_path_factory, members, method, changes, kept):
    try:
        content = pack(members, method)
    except (IndexError, ValueError):
        return  # what zipfile itself does not write
    path = tmp_path_factory.getbasetemp() / "any.zip"
    path.write_bytes(damaged(content, changes, kept))
    first = outcome(path)
    assert first == outcome(path)
    assert isinstance(first, dict) or str(path) in first


@settings(deadline=None, max_examples=300)
@given(
    st.binary(max_size=60)
    | st.lists(
        st.lists(
            st.sampled_from(["file", "label", "a/x.png", "\0", '"', "é", " ", ";", "\t", "sep=;", "LONG"]), max_size=4
        ),
        max_size=5,
    ).map(lambda rows: "\n".join(",".join(row) for row in rows).encode()),
)
def test_any_table_is_read_or_refused(tmp_path_factory, table):
    folder = tmp_path_factory.getbasetemp() / "tables"
    (folder / "a").mkdir(parents=True, exist_ok=True)
    (folder / "a/x.png").touch()
    # More than the csv module takes as one value.
    (folder / "t.csv").write_bytes(table.replace(b"LONG", b"x" * 200_000))
    first = outcome(folder)
    assert first == outcome(folder)
    assert isinstance(first, dict) or str(folder) in first


def _said_to_be(path, size: int):
    """Let the directory of a zip say of its only member that it has so many bytes."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.find(b"PK\x01\x02") + 24, size)
    path.write_bytes(content)


@pytest.mark.long
@pytest.mark.parametrize(
    ("method", "said"), [(METHODS[1], 10), (METHODS[1], 1 << 20), (METHODS[2], 9), (METHODS[3], 9)]
)
def test_no_more_is_unpacked_than_a_member_is_said_to_have(tmp_path, method, said):
    path = tmp_path / "raw.zip"
    path.write_bytes(pack([("cat/a.png", bytes(160 << 20))], method))
    _said_to_be(path, said)
    hostile_images.forget_peak()
    before = hostile_images.peak()
    found = outcome(path)["cat/a.png"]
    assert hostile_images.peak() < before + (48 << 20)
    assert found.startswith("damaged inside the zip: Bad CRC-32")


@pytest.mark.parametrize("method", METHODS)
def test_a_member_of_many_pieces_is_whole(tmp_path, method):
    content = b"".join(zlib.crc32(b"%d" % number).to_bytes(4) for number in range(50_000))
    path = tmp_path / "raw.zip"
    path.write_bytes(pack([("cat/a.png", content)], method))
    assert outcome(path) == {"cat/a.png": content}


def test_bzip2_with_a_wrong_checksum_is_damaged(tmp_path):
    path = tmp_path / "raw.zip"
    content = pack([("cat/a.png", b"abc")], zipfile.ZIP_BZIP2)
    packed = bz2.compress(b"abc")
    assert packed in content
    path.write_bytes(content.replace(packed, bz2.compress(b"abd")))
    assert outcome(path) == {"cat/a.png": "damaged inside the zip: Bad CRC-32 for file 'cat/a.png'"}


@pytest.mark.long
def test_a_zip_of_very_many_members_is_read(tmp_path):
    path = tmp_path / "raw.zip"
    path.write_bytes(pack([(f"c{number % 3}/{number}.png", b"") for number in range(70_000)], zipfile.ZIP_STORED))
    assert len(raw.open_raw(path).images) == 70_000


def test_a_member_without_a_name_is_passed_over(tmp_path):
    path = tmp_path / "raw.zip"
    content = pack([("x", b""), ("cat/a.png", b"1"), ("dog/b.png", b"2")], zipfile.ZIP_STORED)
    path.write_bytes(content.replace(b"x", b"\0"))
    assert outcome(path) == {"cat/a.png": b"1", "dog/b.png": b"2"}
