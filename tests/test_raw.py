"""Raw images in the forms people have them, and what is said of those that do not fit."""

import io
import os
import unicodedata
import zipfile

import pytest
from huskies.errors import HuskyError, UnreadableImage
from huskies.images import raw, raw_files
from huskies.images.raw import RawImage
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

CAFE = "café"
CAFE_APART = unicodedata.normalize("NFD", CAFE)


def picture(shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (2, 2), shade).save(buffer, "PNG")
    return buffer.getvalue()


def fill(folder, files: dict[str, bytes | str]):
    """Write files below a folder, by path; text as UTF-8."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def pack(path, files: dict[str, bytes | str], method: int = zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def labels(raw_set: raw.RawSet) -> dict[str, str]:
    return {image.source: image.label for image in raw_set.images}


def refusal(path) -> str:
    with pytest.raises(HuskyError) as error:
        raw.open_raw(path)
    return str(error.value)


VIDEO = b"\0\0\0\x14ftypqt  \0\0\2\0qt  "
CLASSES = {"cat/b.png": picture(1), "cat/in/a/c.png": picture(2), "dog/a.jpg": picture(3)}
TABLE = "file,label\na.png,cat\nsub/b.png,dog\n"
FLAT = {"labels.csv": TABLE, "a.png": picture(1), "sub/b.png": picture(2)}


@pytest.fixture(params=["folder", "zip", "wrapped zip"])
def given_as(request, tmp_path):
    """Put the same files where `raw` points: into a folder, a zip, or a zip of the folder."""
    if request.param == "folder":
        return lambda files: fill(tmp_path / "raw", files)
    wrapper = "my photos/" if request.param == "wrapped zip" else ""
    return lambda files: pack(tmp_path / "raw.zip", {f"{wrapper}{name}": content for name, content in files.items()})


def test_the_first_folder_is_the_label_however_deep_an_image_lies(given_as):
    raw_set = raw.open_raw(given_as(CLASSES))
    assert raw_set.images == [
        RawImage("cat/b.png", "cat"),
        RawImage("cat/in/a/c.png", "cat"),
        RawImage("dog/a.jpg", "dog"),
    ]
    assert [raw_set.read(image.source) for image in raw_set.images] == [picture(1), picture(2), picture(3)]


def test_a_csv_gives_the_labels_whatever_the_folders(given_as):
    raw_set = raw.open_raw(given_as(FLAT))
    assert raw_set.images == [RawImage("a.png", "cat"), RawImage("sub/b.png", "dog")]
    assert raw_set.read("sub/b.png") == picture(2)
    assert raw_set.ignored == []


def test_other_columns_of_the_csv_come_along(given_as):
    table = "weight,file,group,label\n3.0,b.png,anna,dog\n,a.png,,cat\n"
    raw_set = raw.open_raw(given_as({"t.CSV": table, "a.png": picture(), "b.png": picture()}))
    assert raw_set.images == [
        RawImage("a.png", "cat", {"weight": "", "group": ""}),
        RawImage("b.png", "dog", {"weight": "3.0", "group": "anna"}),
    ]


def test_images_are_told_by_their_endings_in_any_letter_case(given_as):
    files = {"cat/A.PNG": picture(), "cat/b.Jpeg": picture(), "dog/c d.TIFF": picture(), "dog/notes.doc": "no image"}
    raw_set = raw.open_raw(given_as(files))
    assert labels(raw_set) == {"cat/A.PNG": "cat", "cat/b.Jpeg": "cat", "dog/c d.TIFF": "dog"}
    assert raw_set.ignored == ["dog/notes.doc"]


def test_hidden_files_and_what_systems_leave_behind_are_passed_over(given_as):
    junk = [".DS_Store", "cat/._b.png", ".git/x.png", "__MACOSX/cat/b.png", "cat/Thumbs.db", "dog/desktop.ini"]
    raw_set = raw.open_raw(given_as(CLASSES | dict.fromkeys(junk, picture())))
    assert list(labels(raw_set)) == list(CLASSES)
    assert raw_set.ignored == []


def test_paths_in_the_csv_may_be_typed_as_on_windows_or_from_here(given_as):
    table = "file,label\n./a.png,cat\nsub\\b.png, dog \n"
    assert labels(raw.open_raw(given_as(FLAT | {"labels.csv": table}))) == {"a.png": "cat", "sub/b.png": "dog"}


@pytest.mark.parametrize(("typed", "on_disk"), [(CAFE, CAFE_APART), (CAFE_APART, CAFE)])
def test_an_accent_may_be_composed_otherwise_in_the_csv_than_on_disk(given_as, typed, on_disk):
    files = {"labels.csv": f"file,label\n{typed}.png,{typed}\nb.png,x\n", f"{on_disk}.png": picture(7), "b.png": b""}
    raw_set = raw.open_raw(given_as(files))
    assert labels(raw_set) == {f"{on_disk}.png": CAFE, "b.png": "x"}
    assert raw_set.read(f"{on_disk}.png") == picture(7)


def test_a_class_folder_is_one_label_however_its_accents_are_composed(given_as):
    files = {f"{CAFE_APART}/a.png": picture(), f"{CAFE}/b.png": picture(), "tea/c.png": picture()}
    assert set(labels(raw.open_raw(given_as(files))).values()) == {CAFE, "tea"}


@pytest.mark.parametrize(
    "label",
    ["dogs/husky", "..", "a.b", "100 %", "👩‍👧", "כלב", "می‌خواهم", "<script>alert(1)</script>", "007", "NA", '"q"'],
)
def test_labels_in_a_csv_may_be_any_readable_text(given_as, label):
    quoted = label.replace('"', '""')
    files = {"labels.csv": f'file,label\na.png,"{quoted}"\nb.png,x\n', "a.png": picture(), "b.png": picture()}
    assert labels(raw.open_raw(given_as(files))) == {"a.png": label, "b.png": "x"}


@pytest.mark.parametrize(
    "name", ["Screenshot 9.00\u202fAM.png", "a\u00a0b.png", "👩‍👧.png", "a\u200fb.png", "a%20b.png"]
)
def test_names_may_hold_any_blank_and_any_script(given_as, name):
    raw_set = raw.open_raw(given_as({f"cat/{name}": picture(5), "dog/x.png": picture()}))
    assert labels(raw_set) == {f"cat/{name}": "cat", "dog/x.png": "dog"}
    assert raw_set.read(f"cat/{name}") == picture(5)


@given(st.text())
def test_readable_text_is_what_has_no_controls_surrogates_or_line_breaks_in_it(text):
    assert raw_files.is_text(text) == (not {unicodedata.category(each) for each in text} & {"Cc", "Cs", "Zl", "Zp"})


@pytest.mark.parametrize(("name", "told"), [("a/b.JPG", True), ("a.jpg/b", False), (".jpg", False), ("a.jpg.", False)])
def test_only_the_ending_of_the_file_itself_makes_it_an_image(name, told):
    assert raw_files.is_image(name) is told


@pytest.mark.parametrize("beside", [{"LICENSE.txt": "free"}, {"cat/notes": "x"}, {"dog/IMG_1.MOV": VIDEO}])
def test_files_beside_the_images_that_are_no_images_decide_nothing(given_as, beside):
    raw_set = raw.open_raw(given_as(CLASSES | beside))
    assert list(labels(raw_set)) == list(CLASSES)
    assert raw_set.ignored == list(beside)


def test_a_zip_from_kaggle_is_wrapped_twice_with_another_form_of_the_images_beside_it(tmp_path):
    files = {f"flower_images/flower_images/{name}": content for name, content in FLAT.items()}
    raw_set = raw.open_raw(pack(tmp_path / "raw.zip", files | {"FlowerColorImages.h5": b"all of them"}))
    assert labels(raw_set) == {"a.png": "cat", "sub/b.png": "dog"}
    assert raw_set.ignored == ["FlowerColorImages.h5"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_zips_of_other_compressions_are_read(tmp_path, method):
    raw_set = raw.open_raw(pack(tmp_path / "raw.zip", CLASSES, method))
    assert raw_set.read("dog/a.jpg") == picture(3)


def test_a_member_name_leads_nowhere_outside(tmp_path):
    files = {"cat/../../x.png": picture(9), "/cat/y.png": picture(8), "dog/a.png": picture()}
    raw_set = raw.open_raw(pack(tmp_path / "raw.zip", files))
    assert labels(raw_set) == {"cat/y.png": "cat", "dog/a.png": "dog"}
    assert os.listdir(tmp_path) == ["raw.zip"]


def test_linked_files_are_read(tmp_path):
    fill(tmp_path / "elsewhere", {"a.png": picture(1)})
    folder = fill(tmp_path / "raw", {"dog/c.png": picture(3)})
    (folder / "dog" / "d.png").symlink_to(tmp_path / "elsewhere" / "a.png")
    assert raw.open_raw(folder).read("dog/d.png") == picture(1)


@pytest.mark.parametrize("where", ["cat", "dog/more", "dog/loop"])
def test_linked_folders_are_refused_since_dvc_records_none_of_their_files(tmp_path, where):
    fill(tmp_path / "elsewhere", {"a.png": picture(1), "b.png": picture(2)})
    folder = fill(tmp_path / "raw", {"dog/c.png": picture(3)})
    target = folder if where == "dog/loop" else tmp_path / "elsewhere"
    (folder / where).symlink_to(target)
    link = f"{folder}/{where}"
    for look in (raw.open_raw, raw_files.raw_digest):
        with pytest.raises(HuskyError) as error:
            look(folder)
        assert str(error.value) == (
            f"{link} is a link to a folder, and DVC would record none of its files. Put the folder itself there: "
            f"rm {link} && cp -r {target} {link}"
        )


def test_raw_may_itself_be_a_link(tmp_path):
    fill(tmp_path / "elsewhere", CLASSES)
    (tmp_path / "raw").symlink_to(tmp_path / "elsewhere")
    assert list(labels(raw.open_raw(tmp_path / "raw"))) == list(CLASSES)


def test_listing_gives_the_status_of_each_file(tmp_path):
    folder = fill(tmp_path / "raw", FLAT)
    listed = dict(raw_files.files(folder))
    assert list(listed) == ["a.png", "labels.csv", "sub/b.png"]
    assert listed["labels.csv"].st_size == len(TABLE)


def test_absent_raw_is_refused(tmp_path):
    path = tmp_path / "raw"
    expected = f"there is no {path}. Put your images there, or set 'raw' in params.yaml to where they are."
    assert refusal(path) == expected


@pytest.mark.parametrize("content", [b"", b"no zip", picture()])
def test_a_file_that_is_no_zip_is_refused(tmp_path, content):
    path = fill(tmp_path, {"raw.zip": content}) / "raw.zip"
    assert refusal(path) == f"{path} is neither a folder nor a zip file. Set 'raw' in params.yaml to one of them."


def test_a_zip_cut_short_is_refused(tmp_path):
    path = pack(tmp_path / "raw.zip", CLASSES)
    path.write_bytes(path.read_bytes()[:-30])
    assert refusal(path) == (
        f"{path} is a zip file that is damaged or cut short, as by half a download. Download or copy it again."
    )


def test_another_kind_of_archive_is_named(tmp_path):
    path = fill(tmp_path, {"photos.7z": b"7z\xbc\xaf\x27\x1c\0\4"}) / "photos.7z"
    assert refusal(path) == f"{path} is a 7z archive. Unpack it, and set 'raw' in params.yaml to the folder."


@pytest.mark.parametrize("files", [{}, {"cat/notes.txt": "none"}, {"sizes.csv": "name,size\n"}])
def test_raw_without_images_is_refused(tmp_path, files):
    (tmp_path / "raw").mkdir()
    for path in (fill(tmp_path / "raw", files), pack(tmp_path / "raw.zip", files)):
        assert refusal(path) == (
            f"there are no images in {path}. Put them into one folder for each class, "
            "or beside a CSV file with the columns file and label."
        )


def test_images_outside_class_folders_are_refused(tmp_path):
    files = CLASSES | {f"{number}.png": picture() for number in range(7)}
    for path in (fill(tmp_path / "raw", files), pack(tmp_path / "raw.zip", files)):
        assert refusal(path) == (
            f"7 images in {path} have no label: 0.png, 1.png, 2.png, 3.png, 4.png and 2 more. "
            "Move them into class folders, or add a CSV file with the columns file and label."
        )


def test_rows_without_a_file_are_refused(given_as):
    path = given_as(FLAT | {"labels.csv": TABLE + "c.png,cat\n../a.png,cat\n"})
    assert refusal(path) == (
        f"{path}/labels.csv lists 2 files that are not there: c.png, ../a.png. Add them, or remove the rows."
    )


def test_files_without_a_row_are_refused(given_as):
    path = given_as(FLAT | {"z.png": picture(), "sub/c.gif": picture()})
    assert refusal(path) == (
        f"{path}/labels.csv has no label for 2 files: sub/c.gif, z.png. Add rows, or remove the files."
    )


@pytest.mark.parametrize("row", ["a.png,", "a.png,  ", 'a.png,""'])
def test_an_empty_label_is_refused(given_as, row):
    path = given_as(FLAT | {"labels.csv": TABLE.replace("a.png,cat", row)})
    assert refusal(path) == (
        f"{path}/labels.csv: a.png has an empty label. Fill it in, or remove the row and the file."
    )


@pytest.mark.parametrize("label", ["two\nlines", "a\u2028b", "bell\x07"])
def test_a_label_that_would_break_lines_is_refused(given_as, label):
    path = given_as(FLAT | {"labels.csv": f'file,label\na.png,"{label}"\nsub/b.png,dog\n'})
    assert refusal(path) == (f"{path}/labels.csv: the label {label!r} of a.png is not readable text. Change it.")


def test_a_file_listed_twice_is_refused(given_as):
    path = given_as(FLAT | {"labels.csv": TABLE + "./a.png,dog\n"})
    assert refusal(path) == f"{path}/labels.csv: ./a.png is listed more than once. Keep one row for each file."


def test_two_tables_of_the_same_images_are_refused(given_as):
    path = given_as(FLAT | {"more.csv": TABLE})
    assert refusal(path) == f"{path}: a.png is listed in labels.csv and in more.csv. Keep one of the tables."


def test_a_table_without_rows_is_refused(given_as):
    path = given_as(FLAT | {"labels.csv": "file,label\n"})
    assert refusal(path) == f"{path}/labels.csv lists no images. Add one row for each image."


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"two\nlines.png"])
def test_a_name_that_is_no_text_is_refused(tmp_path, name):
    folder = fill(tmp_path / "raw", {"cat/a.png": picture()})
    (folder / "cat" / os.fsdecode(name)).write_bytes(picture())
    assert refusal(folder) == (
        f"{folder}/cat has a file whose name is not readable text: {os.fsdecode(name)!r}. Rename it."
    )


def test_a_member_name_that_would_break_lines_is_refused(tmp_path):
    path = pack(tmp_path / "raw.zip", CLASSES | {"two\nlines/a.png": picture()})
    assert refusal(path) == f"{path} has a file whose name is not readable text: 'two\\nlines/a.png'. Rename it."


def _flip(path, marker: bytes, offset: int, value: int):
    """Overwrite one byte at `offset` after every occurrence of a zip header's marker."""
    content = bytearray(path.read_bytes())
    start = content.find(marker)
    while start >= 0:
        content[start + offset] = value
        start = content.find(marker, start + 1)
    path.write_bytes(content)


def test_an_encrypted_zip_is_refused(tmp_path):
    path = pack(tmp_path / "raw.zip", CLASSES)
    _flip(path, b"PK\x01\x02", 8, 1)
    _flip(path, b"PK\x03\x04", 6, 1)
    raw_set = raw.open_raw(path)
    with pytest.raises(HuskyError) as error:
        raw_set.read("cat/b.png")
    assert str(error.value) == f"{path} is encrypted. Unpack it and set 'raw' to the folder."


def test_an_encrypted_table_is_refused(tmp_path):
    path = pack(tmp_path / "raw.zip", FLAT)
    _flip(path, b"PK\x01\x02", 8, 1)
    _flip(path, b"PK\x03\x04", 6, 1)
    assert refusal(path) == f"{path} is encrypted. Unpack it and set 'raw' to the folder."


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_is_a_broken_image_and_the_others_are_read(tmp_path, method):
    path = pack(tmp_path / "raw.zip", CLASSES, method)
    content = bytearray(path.read_bytes())
    start = content.find(b"cat/b.png") + len(b"cat/b.png")
    content[start + 5 : start + 40] = b"\xff" * 35
    path.write_bytes(content)

    raw_set = raw.open_raw(path)
    with pytest.raises(UnreadableImage, match=r"^damaged inside the zip: .+"):
        raw_set.read("cat/b.png")
    assert raw_set.read("dog/a.jpg") == picture(3)


def test_a_damaged_table_is_refused(tmp_path):
    path = pack(tmp_path / "raw.zip", FLAT, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"a.png,cat", b"a.png,car"))
    reason = "damaged inside the zip: Bad CRC-32 for file 'labels.csv'"
    assert refusal(path) == f"{path}/labels.csv cannot be read: {reason}. Fix it."


@pytest.mark.parametrize(("number", "method"), [(9, "Deflate64"), (93, "Zstandard"), (77, "method 77")])
def test_a_compression_that_python_lacks_is_named_before_anything_is_read(tmp_path, number, method):
    path = pack(tmp_path / "raw.zip", CLASSES)
    _flip(path, b"PK\x01\x02", 10, number)
    _flip(path, b"PK\x03\x04", 8, number)
    assert refusal(path) == (
        f"{path} is packed by {method}, which cannot be read here. Unpack it with the program that made it, "
        "and set 'raw' in params.yaml to the folder."
    )


def test_a_member_that_claims_to_be_huge_is_not_unpacked(tmp_path):
    path = pack(tmp_path / "raw.zip", CLASSES)
    # The size before compression, in the directory at the end: its highest byte makes it over 256 MiB.
    _flip(path, b"PK\x01\x02", 27, 0x11)
    with pytest.raises(UnreadableImage, match=r"^more than 256 MiB when unpacked$"):
        raw.open_raw(path).read("cat/b.png")
