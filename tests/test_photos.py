"""docs/photos.md: what people bring, and what happens. Each row of its table is tried on small real files."""

import io
import os
import re
import shutil
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import PROJECT, bare_job, do
from huskies.errors import HuskyError
from huskies.images import codec, manifest, raw_files
from huskies.steps import convert
from PIL import Image

HEIC = Path(__file__).parent / "heic"
# What a row of the table has been tried by: its first cell, and the cases.
ROWS: dict[str, list[Callable]] = {}


def row(cell: str):
    """Register a case of the row of docs/photos.md that begins with this cell."""

    def register(case: Callable) -> Callable:
        ROWS.setdefault(cell, []).append(case)
        return case

    return register


def jpeg(seed: int = 0, form: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def classes(*labels: str, images: int = 2, start: int = 0, inside: str = "") -> dict[str, bytes]:
    """Return files of class folders, each image another."""
    return {
        f"{inside}{label}/{number}.jpg": jpeg(start + 100 * place + number)
        for place, label in enumerate(labels)
        for number in range(images)
    }


FLAT = {f"{number}.JPG": jpeg(number) for number in range(4)}
TABLE = "file,label\n0.JPG,cat\n1.JPG,dog\n2.JPG,cat\n3.JPG,dog\n"


class Tried:
    """A raw folder or zip of files, and what convert makes of it."""

    def __init__(self, files: dict[str, bytes | str], packed: bool = False):
        self.raw = Path("photos.zip" if packed else "photos")
        content = {name: each.encode() if isinstance(each, str) else each for name, each in files.items()}
        if packed:
            with zipfile.ZipFile(self.raw, "w") as archive:
                for name, each in content.items():
                    archive.writestr(name, each)
        for name, each in {} if packed else content.items():
            path = self.raw / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(each)

    def said(self, max_rejected: int = 10) -> str:
        """Run convert; return what it says, or `ERROR: …`."""
        output = Path("out")
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()
        settings = {"quality": 95, "max_side": 1024, "max_rejected": max_rejected}
        try:
            digest = raw_files.raw_digest(self.raw)
            return convert.run(
                bare_job("convert", output, params={"raw": str(self.raw), "convert": settings}, raw_digest=digest)
            )
        except HuskyError as error:
            return "\n".join([f"ERROR: {error}", *getattr(error, "__notes__", ())])

    def counts(self, column: str = "label") -> dict[str, int]:
        """Run convert, which must succeed; return how many images each label has, or each value of another column."""
        said = self.said()
        assert not said.startswith("ERROR"), said
        return dict(Counter(manifest.read(Path("out/manifest.csv"))[column]))

    def rejected(self) -> dict[str, str]:
        """Return the reason for each file that convert has rejected."""
        listed = manifest.read(Path("out/rejected.csv"))
        return dict(zip(listed["file"], listed["reason"], strict=True))


TWO = {"cat": 2, "dog": 2}


@row("a folder for each class, at any depth")
def class_folders():
    files = classes("cat", "dog") | {"dog/more/deep.png": jpeg(9, "PNG")}
    assert Tried(files).said() == "5 images in 2 classes, 0 rejected\n  cat (2), dog (3)"
    shutil.rmtree("photos")
    many = Tried(classes(*(f"{number:02}" for number in range(12)), images=1)).said()
    assert many.endswith("08 (1), 09 (1) and 2 more")


@row("a folder around all of them")
def wrapped():
    for packed in (False, True):
        assert Tried(classes("cat", "dog", inside="photos/photos/"), packed).counts() == TWO


SPLIT = classes("cat", "dog", inside="train/") | classes("cat", "dog", inside="test/", start=20, images=1)
VALIDATION = classes("cat", "dog", inside="val/", start=40, images=1)


@row("`train/`, `val/` and `test/`, each with the class folders")
def already_split():
    for packed in (False, True):
        for names in (("train", "val", "test"), ("Training", "valid", "testing"), ("seg_train", "seg_val", "seg_test")):
            called = dict(zip(("train", "val", "test"), names, strict=True))
            files = {
                f"set/{called[name.split('/')[0]]}/{name.partition('/')[2]}": each
                for name, each in (SPLIT | VALIDATION).items()
            }
            tried = Tried(files, packed)
            assert tried.counts("split") == {"train": 4, "val": 2, "test": 2}
            assert tried.counts() == {"cat": 4, "dog": 4}
            assert "already split: 4 train, 2 val, 2 test images" in tried.said()
            shutil.rmtree("photos", ignore_errors=True)
    inner = {re.sub(r"^(\w+)/", r"\1/\1/", name): each for name, each in SPLIT.items()}
    assert Tried(inner).counts("split") == {"train": 4, "test": 2}


@row("`train/` with only one of the others")
def half_split():
    assert Tried(SPLIT).counts("split") == {"train": 4, "test": 2}
    shutil.rmtree("photos")
    only_val = {name: each for name, each in (SPLIT | VALIDATION).items() if not name.startswith("test")}
    assert Tried(only_val).counts("split") == {"train": 4, "val": 2}


@row("the same with other folders beside them, without class folders, or with other classes")
def doubtful_split():
    for more, reason in {
        "owl/1.jpg": "there are other folders beside it (owl)",
        "test/owl/1.jpg": "test has classes that train has not (owl)",
        "test/1.jpg": "some images lie in no class folder",
        "testing/cat/1.jpg": "two folders are the same part",
    }.items():
        said = Tried(SPLIT | {more: jpeg(77)}).said()
        assert said.startswith(f"ERROR: photos looks like a set that is already split, but {reason}: "), said
        assert "test/ with" in said
        shutil.rmtree("photos")
    beside = classes("cat", "dog") | classes("cat", "dog", inside="test/", start=50)
    assert "there are other folders beside it (cat, dog)" in Tried(beside).said()
    shutil.rmtree("photos")
    # A train is a thing, too.
    assert Tried(classes("train", "bus")).counts() == {"train": 2, "bus": 2}


@row("a CSV of `file,label`")
def table():
    tried = Tried(FLAT | {"labels.csv": TABLE})
    assert tried.counts() == TWO
    assert "labels from labels.csv" in tried.said()


@row("a table with semicolons, tabs, `sep=,`, a mark at its start, or in UTF-16, as Excel writes it")
def table_of_a_spreadsheet():
    for content in (
        "\ufeff" + TABLE.replace(",", ";").replace("\n", "\r\n"),
        TABLE.replace(",", "\t"),
        f"sep=,\n{TABLE}",
        f"sep=;\r\n{TABLE.replace(',', ';')}",
        TABLE.replace(",", ", "),
        TABLE.replace("\n", ",,\n") + ",,,\n,,,\n",
        TABLE.replace(",", "\t").encode("utf-16"),
    ):
        assert Tried(FLAT | {"labels.csv": content}).counts() == TWO, content
    assert "values parted by tabs" in Tried(FLAT | {"labels.csv": TABLE.replace(",", "\t")}).said()


@row("columns of other names: `File,Label`, `filename,class`, `id,breed`, `image_id,dx`")
def other_columns():
    body = TABLE.partition("\n")[2]
    for header in (
        "File,Label",
        "filename,class",
        "id,breed",
        "image_id,dx",
        "Image ID,Category",
        "photo,what it shows",
    ):
        assert Tried(FLAT | {"labels.csv": f"{header}\n{body}"}).counts() == TWO, header
    wide = "lesion,image_id,dx,age\nL1,0,cat,5\nL2,1,dog,6\nL1,2,cat,7\nL4,3,dog,8\n"
    tried = Tried(FLAT | {"labels.csv": wide})
    assert tried.counts() == TWO
    assert "labels from labels.csv (file names in 'image_id'; labels in 'dx'; names without endings)" in tried.said()


@row("names without ending, in another letter case, with other folders before them, or with blanks")
def other_names():
    for change in (
        lambda name: name.removesuffix(".JPG"),
        str.lower,
        lambda name: f"/home/me/photos/{name}",
        lambda name: f"C:\\photos\\{name}",
        lambda name: f"images/{name}",
        lambda name: f"{name} ",
    ):
        changed = re.sub(r"\d\.JPG", lambda match, change=change: change(match[0]), TABLE)
        assert Tried(FLAT | {"labels.csv": changed}).counts() == TWO, changed
    shutil.rmtree("photos")
    below = {f"images/{name}": each for name, each in FLAT.items()}
    assert Tried(below | {"labels.csv": TABLE}).counts() == TWO
    twice = Tried(below | {"more/0.JPG": jpeg(9), "labels.csv": TABLE}).said()
    assert twice == (
        "ERROR: photos/labels.csv: 0.JPG may be images/0.JPG, more/0.JPG. Write each path as it is below the folder."
    )
    other = Tried(below | {"more/0.JPG": jpeg(9), "labels.csv": TABLE.replace("0.JPG", "less/0.JPG")}).said()
    assert "lists 1 files that are not there: less/0.JPG" in other


@row("a table in a sub-folder, or one in each")
def table_below():
    below = {f"images/{name}": each for name, each in FLAT.items()}
    assert Tried(below | {"tables/labels.csv": TABLE}).counts() == TWO
    shutil.rmtree("photos")
    first, second = TABLE.splitlines()[:3], ["file;label", *TABLE.replace(",", ";").splitlines()[3:]]
    parted = {f"{'train' if name < '2' else 'test'}/{name}": each for name, each in FLAT.items()}
    parted |= {"train/labels.csv": "\n".join(first), "test/labels.csv": "\n".join(second)}
    tried = Tried(parted)
    assert tried.counts() == TWO
    assert tried.counts("split") == {"train": 2, "test": 2}


@row(
    "a table with a column `split` (or `set`, `subset`, `partition`, `usage`) of train, val and test, or a table for "
    "each part, called after it"
)
def split_by_tables():
    names = sorted(FLAT)
    with_column = "file,label,Split\n" + "".join(
        f"{name},{label},{part}\n"
        for name, label, part in zip(names, ["a", "a", "b", "a"], ["Training", "valid", "train", "test"], strict=True)
    )
    tried = Tried(FLAT | {"labels.csv": with_column})
    assert tried.counts("split") == {"train": 2, "val": 1, "test": 1}
    assert "already split: 2 train, 1 val, 1 test images" in tried.said()
    shutil.rmtree("photos")
    tables = {
        "train.csv": f"file,label\n{names[0]},a\n{names[1]},b\n",
        "test.csv": f"file,label\n{names[2]},a\n{names[3]},b\n",
    }
    assert Tried(FLAT | tables).counts("split") == {"train": 2, "test": 2}


@row("such a column with other words in some rows, or parts with classes that train has not")
def doubtful_parts():
    names = sorted(FLAT)
    for parts, reason in {
        ("train", "train", "test", "later"): "photos/labels.csv: the column 'split' says train, val or test of some",
        ("train", "train", "test", "test"): "photos: its tables have classes in test that have no image in train (d)",
    }.items():
        rows = "".join(f"{name},{label},{part}\n" for name, label, part in zip(names, "aaad", parts, strict=True))
        assert Tried(FLAT | {"labels.csv": f"file,label,split\n{rows}"}).said().startswith(f"ERROR: {reason}")


@row("lists and annotations in text, JSON or XML")
def unread_lists():
    for name, content in {
        "labels.txt": "cat/0.jpg 1",
        "boxes.json": '{"file": "0.jpg"}',
        "0.xml": "<f>0.jpg</f>",
    }.items():
        tried = Tried(classes("cat", "dog") | {name: content})
        assert f"not read, though images are named in it: {name}" in tried.said()
        assert tried.counts() == TWO
        shutil.rmtree("photos")


@row("a table without a header, with a column twice, or of which it cannot be told what it says")
def unclear_table():
    columns = (
        "is a table beside the images, with the columns {}, and it cannot be told which of them has {}. Name them "
    )
    columns += "file and label, or, if it is no table of labels, move it out of the folder."
    for content, expected in {
        TABLE.partition("\n")[2]: "has no header. Add a first line that names the columns: file,label",
        "file,label,Label\n0.JPG,cat,x\n": "has several columns of the name 'label'. Keep one, or rename the others.",
        "name,size\ncat,3\n": columns.format("'name', 'size'", "the names of the files and the labels"),
        "id,a,b\n0,1,0\n1,0,1\n2,1,0\n3,0,1\n": columns.format("'id', 'a', 'b'", "the labels"),
        "": "is empty. Remove it, or fill in a row for each image below the line file,label.",
    }.items():
        assert Tried(FLAT | {"labels.csv": content}).said() == f"ERROR: photos/labels.csv {expected}"
    shutil.rmtree("photos")
    sizes = Tried(classes("cat", "dog") | {"sizes.csv": "name,size\ncat,3\n"}).said()
    assert sizes.startswith("ERROR: photos/sizes.csv is a table beside the images, with the columns 'name', 'size', ")
    shutil.rmtree("photos")
    kaggle = {"train.csv": "id,breed\n0,cat\n1,dog\n", **{f"train/{n}.jpg": jpeg(n) for n in range(2)}}
    unlabelled = Tried(kaggle | {"test/7.jpg": jpeg(7)}).said()
    assert unlabelled == (
        "ERROR: photos/train.csv has no label for 1 files: test/7.jpg. Add rows, or remove the files."
    )


@row("a spreadsheet: `.xlsx`, `.ods`")
def spreadsheet():
    said = Tried(classes("cat", "dog") | {"Labels.xlsx": b"PK\x03\x04"}).said()
    assert said == (
        "ERROR: photos/Labels.xlsx is a spreadsheet. Save it as CSV (UTF-8), with the columns file and label."
    )


@row("HEIC, as a phone takes it")
def heic():
    bird = {"bird/IMG_1.HEIC": (HEIC / "turned.heic").read_bytes(), "bird/b.jpg": (HEIC / "upright.heic").read_bytes()}
    tried = Tried(classes("cat", "dog") | bird)
    assert tried.counts() == {"bird": 2, **TWO}
    pictures = [codec.decode(path.read_bytes()).astype(int) for path in sorted(Path("out/bird").glob("*.jpg"))]
    # The file says twice, in its own way and by EXIF, that it is to be turned; that is done once.
    for picture in pictures:
        assert picture.shape == (32, 48, 3)
        for place, colour in (((8, 12), (220, 40, 40)), ((24, 36), (40, 60, 220)), ((8, 36), (40, 160, 60))):
            assert np.abs(picture[place] - colour).max() < 16


@row("HEIC, as a phone takes it")
def heic_in_disguise():
    whole = (HEIC / "turned.heic").read_bytes()
    files = {"bird/a.jpg": whole, "bird/b": whole[:-1] + b"x", "bird/c.jpg": whole[:40], "owl/d.HEIC": whole}
    tried = Tried(files)
    assert tried.counts() == {"bird": 2, "owl": 1}
    assert tried.rejected() == {"bird/c.jpg": "damaged: a HEIC that cannot be opened"}


@row("a picture called `.jpg_large`, or without any ending")
def by_content():
    files = {
        "cat/a.jpg_large": jpeg(1),
        "cat/IMG_2": jpeg(2, "PNG"),
        "dog/c.tmp": jpeg(3, "WEBP"),
        "dog/d": jpeg(4, "BMP"),
    }
    for packed in (False, True):
        assert Tried(files, packed).counts() == TWO


@row("RAW, JPEG XL, SVG, a web page or a pointer of Git LFS in a picture's place")
def unread_formats():
    tiff = jpeg(1, "TIFF")
    unread = {
        "cat/a.CR2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(99), "a RAW photo of a camera: export it as JPEG"),
        "cat/b.nef": (tiff, "a RAW photo of a camera: export it as JPEG"),
        "cat/c.cr3": (b"\0\0\0\x18ftypcrx " + bytes(99), "a RAW photo of a camera: export it as JPEG"),
        "dog/d.jxl": (b"\xff\x0a" + bytes(99), "a JPEG XL picture: save it as JPEG or PNG"),
        "dog/e.jpg": (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture: save it as JPEG or PNG"),
        "dog/f.jpg": (b"<!DOCTYPE html><p>404", "a web page: download the picture itself"),
        "dog/g.svg": (b"<svg xmlns='x'/>", "an SVG drawing: save it as JPEG or PNG"),
        "dog/h.png": (
            b"version https://git-lfs.github.com/spec/v1",
            "a pointer of Git LFS: get the picture: git lfs pull",
        ),
    }
    tried = Tried(classes("cat", "dog") | {name: content for name, (content, _) in unread.items()})
    assert tried.counts() == TWO
    assert tried.rejected() == {name: reason for name, (_, reason) in unread.items()}
    assert tried.said(max_rejected=7).startswith("ERROR: 8 images cannot be used, and convert.max_rejected is 7: ")


@row("a zip within a class folder")
def zip_in_a_class():
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    tried = Tried(classes("cat", "dog") | {"dog/more.zip": buffer.getvalue()})
    assert tried.counts() == TWO
    assert tried.rejected() == {"dog/more.zip": "a zip archive: unpack it into its class folder, and remove it"}


@row("a zip for each class, or one beside the class folders")
def zip_for_each_class():
    two = {"cat.zip": b"PK\x03\x04", "dog.zip": b"PK\x03\x04"}
    for files, named in ((two, "cat.zip, dog.zip"), (classes("cat", "dog") | {"owl.zip": b"PK"}, "owl.zip")):
        said = Tried(files).said()
        assert said.startswith(f"ERROR: photos has archives, which are not looked into: {named}. Unpack each into a ")
        shutil.rmtree("photos")


@row("a class of which no picture can be read")
def dead_class():
    said = Tried(classes("cat", "dog") | {"owl/1.jpg": b"", "owl/2.cr2": b"II*\0\x10\0\0\0CR\2\0"}).said()
    assert said == (
        "ERROR: no image of the class 'owl' can be used: owl/1.jpg (the file is empty), owl/2.cr2 (a RAW photo of a "
        "camera: export it as JPEG). Fix its images, or remove the class.\n"
        "All of them, with the reasons: logs/rejected.csv"
    )
    assert list(manifest.read(Path("logs/rejected.csv"))["file"]) == ["owl/1.jpg", "owl/2.cr2"]


@row("videos, notes and other files")
def no_images():
    files = {"cat/IMG_1.MOV": b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "notes.txt": "x", "dog/README": "x", "a.json": "{}"}
    said = Tried(classes("cat", "dog") | files).said()
    assert "; ignored 4 files that are no images (.json, .mov, .txt, without ending)" in said


def with_raw_names(files: dict[str, bytes], system: int, encode: Callable[[str], bytes]):
    """Write photos.zip with names as other programs write them, without the flag for UTF-8."""
    stand_ins = {"QXYZ"[number] * len(encode(name)): name for number, name in enumerate(files)}
    with zipfile.ZipFile("photos.zip", "w") as archive:
        for stand_in, name in stand_ins.items():
            info = zipfile.ZipInfo(stand_in)
            info.create_system = system
            archive.writestr(info, files[name])
    content = Path("photos.zip").read_bytes()
    for stand_in, name in stand_ins.items():
        content = content.replace(stand_in.encode(), encode(name))
    Path("photos.zip").write_bytes(content)


@row("a zip from Linux, macOS or Windows, with names in UTF-8 or with backslashes")
def names_in_zips():
    accents = classes("Bär", "Löwe")
    for form in ("NFC", "NFD"):
        with_raw_names(accents, 3, lambda name, form=form: unicodedata.normalize(form, name).encode())
        tried = Tried({})
        tried.raw = Path("photos.zip")
        assert tried.counts() == {"Bär": 2, "Löwe": 2}
    with_raw_names(classes("cat", "dog", inside="photos/"), 0, lambda name: name.replace("/", "\\").encode())
    assert tried.counts() == TWO
    with_raw_names(accents, 0, lambda name: name.encode("cp437"))
    assert tried.counts() == {"Bär": 2, "Löwe": 2}


@row("a zip packed by Deflate64, cut short or encrypted; RAR, 7z, tar")
def unread_archives():
    tried = Tried(classes("cat", "dog"), packed=True)
    whole = tried.raw.read_bytes()
    tried.raw.write_bytes(whole[: len(whole) // 2])
    assert (
        "is a zip file that is damaged or cut short, as by half a download. Download or copy it again." in tried.said()
    )
    header = re.compile(rb"(PK\x01\x02.{6})\0\0", re.DOTALL)
    tried.raw.write_bytes(header.sub(lambda match: match[1] + bytes((9, 0)), whole))
    assert "is packed by Deflate64, which cannot be read here. Unpack it with the program that made it" in tried.said()
    for start, name in ((b"Rar!\x1a\x07\1\0", "a RAR archive"), (b"7z\xbc\xaf\x27\x1c", "a 7z archive")):
        tried.raw.write_bytes(start)
        assert f"is {name}. Unpack it, and set 'raw' in params.yaml to the folder." in tried.said()


@row("`@eaDir`, `#recycle`, `$RECYCLE.BIN`, `lost+found`, `__MACOSX`, `Thumbs.db` and their like")
def left_behind():
    junk = ("@eaDir", "cat/@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found", "System Volume Information", "__MACOSX")
    files = {f"{folder}/a.jpg": jpeg(5) for folder in (*junk, ".thumbnails")}
    for packed in (False, True):
        tried = Tried(classes("cat", "dog") | files | {"cat/Thumbs.db": b"x"}, packed)
        assert tried.said() == "4 images in 2 classes, 0 rejected\n  cat (2), dog (2)"


@row("`rose` and `Rose`, or `rose` and `rose `")
def alike():
    for other, how in (("Rose", "letter case"), ("rose ", "blanks or letter case")):
        said = Tried(classes("rose", other)).said()
        assert said.endswith(f" differ only in {how}. Spell them alike.")
        assert {"'rose'", f"'{other}'"} <= set(re.findall("'.*?'", said))
        shutil.rmtree("photos")


@row("accents that are composed in two ways")
def composed():
    names = {unicodedata.normalize(form, "café") for form in ("NFC", "NFD")}
    assert Tried(classes(*sorted(names), "tea")).counts() == {"café": 4, "tea": 2}


@row("an empty class folder")
def empty_class():
    tried = Tried(classes("cat", "dog"))
    (tried.raw / "owl").mkdir()
    assert tried.said().endswith("no images in owl/")
    (tried.raw / "owl/a.mov").write_bytes(b"\0\0\0\x14ftypqt  \0\0\0\0qt  ")
    assert tried.said().endswith("no images in owl/")


@row("class folders that are links")
def linked():
    tried = Tried(classes("cat", "dog"))
    Path("elsewhere").mkdir()
    (tried.raw / "owl").symlink_to(Path("elsewhere").resolve())
    assert tried.said().startswith("ERROR: photos/owl is a link to a folder, and DVC would record none of its files.")


@row("a folder that cannot be read")
def unreadable():
    tried = Tried(classes("cat", "dog", "owl"))
    real = os.scandir

    # Root may read everything, so that the refusal is played here.
    def scandir(path):
        if str(path).endswith("owl"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "scandir", scandir)
        assert tried.said() == ("ERROR: cannot read photos/owl: Permission denied. Make it readable, or remove it.")


@pytest.mark.parametrize("case", [case for cases in ROWS.values() for case in cases], ids=lambda case: case.__name__)
def test_what_people_bring(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    case()


def test_each_row_of_the_page_is_tried_and_nothing_else():
    page = (PROJECT / "docs/photos.md").read_text(encoding="utf-8")
    table = page.partition("| you bring |")[2].partition("\n\n")[0]
    cells = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()[2:]]
    assert cells == list(ROWS)


@pytest.mark.long
@pytest.mark.usefixtures("converted_before")
def test_a_heic_photo_is_split_upright_among_the_others(clone):
    shutil.copy2(HEIC / "turned.heic", clone.folder / "data/digits/0/IMG_0001.HEIC")
    said = do(clone, "snakemake", "--cores", "2", "split")
    assert "convert: 28 images in 3 classes, 0 rejected" in said
    [made] = (clone.folder / "data/split/0").glob("*IMG_0001.jpg")
    picture = codec.decode(made.read_bytes()).astype(int)
    assert picture.shape == (32, 48, 3)
    assert np.abs(picture[8, 12] - (220, 40, 40)).max() < 16
