"""A table is read as other programs write it, and where it cannot be told what it says it is refused."""

import pytest
from huskies.errors import HuskyError
from huskies.images import tables
from huskies.images.table_names import Names

TABLE = "file,label\na.png,cat\nsub/b.png,dog\n"
ROWS = [{"file": "a.png", "label": "cat"}, {"file": "sub/b.png", "label": "dog"}]


def parse(text: str | bytes, name: str = "t.csv") -> tables.Sheet:
    return tables.parse(f"raw/{name}", name, text if isinstance(text, bytes) else text.encode())


def choose(text: str, *images: str) -> tables.Columns:
    return tables.choose("raw/t.csv", parse(text), Names(images or ("a.png", "b.png")))


def refusal(act, *arguments) -> str:
    with pytest.raises(HuskyError) as error:
        act(*arguments)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "table", "spreadsheet"),
    [("a.CSV", True, False), ("a.tsv", True, False), ("a.XLSX", True, True), ("a.ods", True, True), ("a.txt", 0, 0)],
)
def test_a_table_is_told_by_its_ending(name, table, spreadsheet):
    assert (tables.is_table(name), tables.is_spreadsheet(name)) == (table, spreadsheet)


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        (TABLE, ","),
        ("\ufeff" + TABLE, ","),
        (TABLE.replace("\n", "\r\n"), ","),
        (TABLE.replace("\n", "\r"), ","),
        (TABLE.encode("utf-16"), ","),
        (TABLE.replace(",", ", "), ","),
        (TABLE.replace("\n", ",,\n") + ",,,\n\n , \n", ","),
        (TABLE.replace(",", ";"), ";"),
        (TABLE.replace(",", "\t"), "\t"),
        (TABLE.replace(",", "|"), "|"),
        ("sep=;\r\n" + TABLE.replace(",", ";"), ";"),
        ('"sep=!"\n' + TABLE.replace(",", "!"), "!"),
        (" file , label \n" + TABLE.partition("\n")[2], ","),
    ],
)
def test_the_same_rows_are_read_however_they_are_written(content, delimiter):
    assert parse(content) == tables.Sheet("t.csv", ["file", "label"], ROWS, delimiter)


def test_the_values_are_parted_by_what_gives_the_most_known_columns():
    assert parse("file;label;a, b, c, d\n1.png;cat;x\n").columns == ["file", "label", "a, b, c, d"]
    assert parse("p;q;r,s\n1;2;3\n").delimiter == ";"


def test_line_ends_within_a_value_become_one_kind():
    assert parse('file,note\na.png,"one\r\ntwo\rthree"\n').rows == [{"file": "a.png", "note": "one\ntwo\nthree"}]


@pytest.mark.parametrize("blank", ["", "\n\n", ",,\n , \n"])
def test_a_table_of_blanks_is_refused(blank):
    assert refusal(parse, blank) == (
        "raw/t.csv is empty. Remove it, or fill in a row for each image below the line file,label."
    )


@pytest.mark.parametrize("row", ["b.png", "b.png,dog,more"])
@pytest.mark.parametrize("start", ["", "sep=,\n"])
def test_a_row_of_another_length_than_the_header_is_refused_with_its_line(start, row):
    said = refusal(parse, f"{start}file,label\na.png,cat\n{row}\n")
    assert said == f"raw/t.csv, line {4 if start else 3}: the row has not as many values as the header."


def test_a_column_that_is_there_twice_is_refused():
    assert refusal(parse, "file,label,Label\n") == (
        "raw/t.csv has several columns of the name 'label'. Keep one, or rename the others."
    )


@pytest.mark.parametrize("content", ["file,label\na.png,café\n".encode("latin-1"), b"\xff\xfea"])
def test_text_in_no_known_encoding_is_refused(content):
    assert refusal(parse, content) == "raw/t.csv is not UTF-8 text. Save it as UTF-8."


def test_a_value_that_is_too_long_is_refused_with_its_line():
    said = refusal(parse, f"file,label\na.png,{'x' * 200_000}\n")
    assert said == "raw/t.csv, line 2: field larger than field limit (131072)"


def test_a_spreadsheet_is_refused():
    assert refusal(parse, b"PK\x03\x04", "t.xlsx") == (
        "raw/t.xlsx is a spreadsheet. Save it as CSV (UTF-8), with the columns file and label."
    )


def test_a_table_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(tables, "LARGEST", 1 << 20)
    assert refusal(parse, bytes((1 << 20) + 1)) == "raw/t.csv has more than 1 MiB. Leave out columns."


@pytest.mark.parametrize(
    ("header", "file", "label"),
    [
        ("file,label", "file", "label"),
        ("File,LABEL", "File", "LABEL"),
        ("Image ID,dx", "Image ID", "dx"),
        ("photo,what it shows", "photo", "what it shows"),
        ("anything,else", "anything", "else"),
    ],
)
def test_the_columns_are_told_by_their_names_and_by_what_is_in_them(header, file, label):
    chosen = choose(f"{header}\na.png,cat\nb.png,dog\n")
    assert (chosen.file, chosen.label) == (file, label)
    assert [each.name for each in chosen.found] == ["a.png", "b.png"]


def test_the_very_names_go_before_others():
    chosen = choose("image,file,label,class\na.png,c.png,cat,x\nb.png,d.png,dog,y\n")
    assert (chosen.file, chosen.label) == ("file", "label")


def test_of_several_likely_columns_the_one_whose_values_are_all_files_is_taken():
    assert choose("filename,image_id,breed\nx,a,cat\ny,b,dog\n").file == "image_id"


def test_numbers_are_no_files_by_chance_alone():
    said = refusal(choose, "size,age,label\n1,5,cat\n2,6,dog\n", "1.png", "2.png")
    assert said == (
        "raw/t.csv is a table beside the images, with the columns 'size', 'age', 'label', and it cannot be told which "
        "of them has the names of the files. Name them file and label, or, if it is no table of labels, move it out of "
        "the folder."
    )


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("name,size\ncat,3\n", "the names of the files and the labels"),
        ("file,breed,tag\na.png,cat,x\n", "the labels"),
        ("file\na.png\n", "the labels"),
    ],
)
def test_columns_that_cannot_be_told_are_refused_with_what_is_missing(text, which):
    assert f", and it cannot be told which of them has {which}. Name them file and label," in refusal(choose, text)


def test_a_table_without_a_header_is_refused():
    assert refusal(choose, "a.png,cat\nb.png,dog\n") == (
        "raw/t.csv has no header. Add a first line that names the columns: file,label"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,label\na.png,cat\n", "labels from t.csv"),
        ("file\tlabel\na.png\tcat\n", "labels from t.csv (values parted by tabs)"),
        ("sep=!\nfile!label\na.png!cat\n", "labels from t.csv (values parted by !)"),
        (
            "id;dx\na;cat\nx/b.png;dog\n",
            "labels from t.csv (file names in 'id'; labels in 'dx'; values parted by semicolons; names without "
            "endings; other folders before the names)",
        ),
    ],
)
def test_how_a_table_was_read_is_said(text, said):
    assert choose(text).said == said


def test_names_are_looked_for_beside_the_table_first():
    sheet = parse(TABLE, "sub/t.csv")
    chosen = tables.choose("raw/sub/t.csv", sheet, Names(["a.png", "sub/a.png", "sub/b.png"]))
    assert [each.name for each in chosen.found] == ["sub/a.png", "sub/b.png"]
