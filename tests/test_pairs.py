"""pairs.csv: what a person says of two images holds for good, and what is no sense is refused by its line."""

from pathlib import Path

import pandas as pd
import pytest
from huskies.errors import HuskyError
from huskies.images import pairs


def written(tmp_path: Path, *lines: str, header: bool = True) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text("".join(f"{line}\n" for line in (*(["file,other,verdict"] if header else []), *lines)))
    return path


def test_same_and_different_are_told_apart_and_each_pair_is_in_order(tmp_path):
    said = pairs.read(written(tmp_path, "b/2.png,a/1.png,same", '"c,1.png",a/1.png,different', "", "d, e ,same"))
    assert said == pairs.Said(same={("a/1.png", "b/2.png"), ("d", "e")}, different={("a/1.png", "c,1.png")})


@pytest.mark.parametrize("content", [None, "", "\n", "file,other,verdict\n", "\ufefffile,other,verdict\r\n"])
def test_a_file_that_is_absent_or_empty_says_nothing(tmp_path, content):
    path = tmp_path / "pairs.csv"
    if content is not None:
        path.write_text(content)
    assert pairs.read(path) == pairs.Said()
    pairs.check_names([], path)


def test_a_header_may_be_missing(tmp_path):
    assert pairs.read(written(tmp_path, "a,b,same", header=False)).same == {("a", "b")}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["a,b"], "line 2: a,b is not file,other,verdict. Write two images and same or different, as in "),
        (["a,b,same,c"], "line 2: a,b,same,c is not file,other,verdict. "),
        (["a,b,Same"], "line 2: Same is neither same nor different."),
        (["a,a,same"], "line 2: a stands there twice. Delete the line."),
        (["a,b,same", "b,a,same"], "line 3: line 2 speaks of the same two images. Delete one."),
        (["a,b,same", "b,a,different"], "line 3: line 2 speaks of the same two images. Delete one."),
        (
            ["a,b,same", "c,a,different", "b,c,same"],
            "line 3: a and c are said to be different, and other lines say that they are the same. ",
        ),
    ],
)
def test_what_is_no_sense_is_refused_by_its_line(tmp_path, lines, said):
    path = written(tmp_path, *lines)
    with pytest.raises(HuskyError) as error:
        pairs.read(path)
    assert str(error.value).startswith(f"{path}, {said}")


def test_an_image_that_is_not_there_is_refused_by_its_line(tmp_path):
    path = written(tmp_path, "rose/1.png,rose/2.png,same", "rose/1.png,rose/33.png,different")
    with pytest.raises(HuskyError) as error:
        pairs.check_names(["rose/1.png", "rose/2.png", "rose/3.png"], path)
    assert str(error.value) == (
        f"{path}, line 3: there is no image rose/33.png. Did you mean 'rose/3.png'? "
        "Correct the name, or delete the line."
    )


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_bytes("ä,b,same\n".encode("latin-1"))
    with pytest.raises(HuskyError, match=r"^cannot read \S+pairs\.csv: .* It is to be a CSV of file,other,verdict in "):
        pairs.read(path)


def test_a_pair_holds_for_exact_copies_too():
    rows = pd.DataFrame({"source": ["a", "b", "copy of a"], "sha256": ["2", "1", "2"]})
    assert pairs.by_content({("b", "copy of a"), ("a", "gone")}, rows) == {("1", "2")}


def test_found_pairs_are_added_once_with_what_they_are(tmp_path):
    path, found = written(tmp_path, "x,y,same", "a,b,different"), tmp_path / "logs/found.csv"
    pairs.leave([("d", "c"), ("a", "b"), ("c", "d")], found)
    assert found.read_text() == "file,other\na,b\nc,d\n"
    assert pairs.add(pairs.SAME, path, found) == (
        "1 pairs are same: c and d; 1 pairs stood there already, and keep their lines"
    )
    assert path.read_text() == "file,other,verdict\nx,y,same\na,b,different\nc,d,same\n"
    assert pairs.add(pairs.DIFFERENT, path, found).startswith("0 pairs are different; 2 pairs stood there already")


@pytest.mark.parametrize("before", [None, "", "file,other,verdict", "file,other,verdict\n"])
def test_the_first_pairs_make_the_file(tmp_path, before):
    path, found = tmp_path / "pairs.csv", tmp_path / "found.csv"
    if before is not None:
        path.write_text(before)
    pairs.leave([("a", "b,1")], found)
    pairs.add(pairs.DIFFERENT, path, found)
    assert path.read_text() == 'file,other,verdict\na,"b,1",different\n'


def test_nothing_is_added_where_the_gate_has_found_nothing(tmp_path):
    path, found = tmp_path / "pairs.csv", tmp_path / "found.csv"
    with pytest.raises(HuskyError, match=r"^there are no pairs in \S+found\.csv: the gate has found none\. Run it: "):
        pairs.add(pairs.SAME, path, found)
    pairs.leave([], found)
    with pytest.raises(HuskyError, match="there are no pairs in"):
        pairs.add(pairs.SAME, path, found)
    assert not path.exists()


def test_an_absent_file_is_begun_and_another_stays(tmp_path):
    path = tmp_path / "pairs.csv"
    pairs.begin(path)
    assert path.read_text() == "file,other,verdict\n"
    path.write_text("a,b,same\n")
    pairs.begin(path)
    assert path.read_text() == "a,b,same\n"
