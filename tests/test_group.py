"""group: what is one thing in several files stays together, and what contradicts itself is found."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import bare_job
from huskies import convert, group, manifest, snapshot
from huskies.job import Job
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image


def png(seed: int, form: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def make_job(stage: str, tmp_path: Path, params: dict, raw_digest: str | None = None) -> Job:
    output = tmp_path / stage
    output.mkdir()
    inputs = {"convert": tmp_path / "convert"} if stage == "group" else {}
    return bare_job(
        stage=stage,
        params=params,
        inputs=inputs,
        raw_digest=raw_digest,
        output=output,
    )


def run(tmp_path: Path, files: dict[str, bytes | str]) -> tuple[dict[str, dict[str, str]], list[str], str]:
    """Convert and group real files; return the rows of groups.csv by source, the conflicts' files, and the summary."""
    for name, content in files.items():
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    raw = tmp_path / "raw"
    params = {"raw": str(raw), "convert": {"quality": 95, "max_side": 0, "max_rejected": 0}}
    convert.run(make_job("convert", tmp_path, params, snapshot.raw_digest(raw)))
    job = make_job("group", tmp_path, {})
    summary = group.run(job)
    source_of = manifest.read(tmp_path / "convert" / "manifest.csv").set_index("file")["source"]
    found = manifest.read(job.output / "groups.csv").to_dict("records")
    conflicts = manifest.read(job.output / "conflicts.csv")
    return {source_of[row["file"]]: row for row in found}, [source_of[file] for file in conflicts["file"]], summary


def together(groups: dict[str, dict[str, str]]) -> list[list[str]]:
    members = {}
    for source, row in groups.items():
        members.setdefault(row["group"], []).append(source)
    return sorted(map(sorted, members.values()))


def row(number: int, **values: str) -> dict[str, str]:
    base = {"file": f"cat/{number}.jpg", "label": "cat", "group": "", "source": f"cat/{number}.png"}
    return base | {"source_sha256": f"{number:064x}", "sha256": f"{number + 1000:064x}"} | values


def groups_of(rows: list[dict[str, str]]) -> list[str]:
    return group.find_groups(pd.DataFrame(rows))["group"].tolist()


def test_images_with_nothing_in_common_are_groups_of_their_own(tmp_path):
    groups, conflicts, summary = run(
        tmp_path, {f"{label}/{n}.png": png(n + len(label)) for label in ("a", "bcdefg") for n in range(3)}
    )
    assert len(together(groups)) == 6
    assert {each["reasons"] for each in groups.values()} == {""}
    assert conflicts == []
    assert summary == "6 images in 6 groups, 0 not alone in theirs"


def test_a_duplicate_is_found_across_formats(tmp_path):
    files = {
        "a/1.png": png(1),
        "a/2.bmp": png(1, "BMP"),
        "a/3.tif": png(1, "TIFF"),
        "a/4.png": png(4),
        "b/5.png": png(5),
    }
    groups, conflicts, summary = run(tmp_path, files)
    assert together(groups) == [["a/1.png", "a/2.bmp", "a/3.tif"], ["a/4.png"], ["b/5.png"]]
    assert groups["a/1.png"]["reasons"] == groups["a/3.tif"]["reasons"] == "duplicate"
    assert groups["a/4.png"]["reasons"] == ""
    assert conflicts == []
    assert summary == "5 images in 3 groups, 3 not alone in theirs"


def test_nohash_siblings_of_a_class_stay_together(tmp_path):
    files = {
        "a/x_nohash_1.png": png(1),
        "a/x_nohash_2.jpg": png(2, "JPEG"),
        "a/y_nohash_1.png": png(3),
        "a/x.png": png(4),
        "b/x_nohash_1.png": png(5),
    }
    groups, _, _ = run(tmp_path, files)
    siblings = ["a/x_nohash_1.png", "a/x_nohash_2.jpg"]
    assert together(groups) == [["a/x.png"], siblings, ["a/y_nohash_1.png"], ["b/x_nohash_1.png"]]
    assert {groups[each]["reasons"] for each in siblings} == {"nohash"}


def test_the_user_s_column_binds_across_classes(tmp_path):
    table = "file,label,group\n1.png,a,anna\n2.png,b,anna\n3.png,a,\n4.png,b,\n5.png,b,bob\n"
    groups, conflicts, _ = run(tmp_path, {"t.csv": table} | {f"{n}.png": png(n) for n in range(1, 6)})
    assert together(groups) == [["1.png", "2.png"], ["3.png"], ["4.png"], ["5.png"]]
    assert (groups["1.png"]["reasons"], groups["5.png"]["reasons"]) == ("column", "")
    assert conflicts == []


def test_bonds_of_all_kinds_join_through_others(tmp_path):
    table = "file,label,group\n1_nohash_a.png,a,\n1_nohash_b.png,a,anna\n2.png,b,anna\n3.bmp,b,\n4.png,a,\n"
    files = {
        "1_nohash_a.png": png(1),
        "1_nohash_b.png": png(2),
        "2.png": png(3),
        "3.bmp": png(3, "BMP"),
        "4.png": png(4),
    }
    groups, _, _ = run(tmp_path, {"t.csv": table} | files)
    assert together(groups) == [["1_nohash_a.png", "1_nohash_b.png", "2.png", "3.bmp"], ["4.png"]]
    assert {source: each["reasons"] for source, each in groups.items()} == {
        "1_nohash_a.png": "nohash",
        "1_nohash_b.png": "column+nohash",
        "2.png": "column+duplicate",
        "3.bmp": "duplicate",
        "4.png": "",
    }


def test_one_image_under_two_labels_is_a_conflict_in_every_copy(tmp_path):
    files = {"a/1.png": png(1), "b/1.bmp": png(1, "BMP"), "a/copy.png": png(1), "a/2.png": png(2), "b/3.png": png(3)}
    groups, conflicts, summary = run(tmp_path, files)
    assert sorted(conflicts) == ["a/1.png", "a/copy.png", "b/1.bmp"]
    assert len({groups[each]["group"] for each in conflicts}) == 1
    assert summary == (
        "5 images in 3 groups, 3 not alone in theirs; "
        "left out 3 copies of one image under two labels: see conflicts.csv"
    )


def test_a_group_is_named_after_its_smallest_source():
    rows = [row(7, group="g"), row(3, group="g"), row(5)]
    rows = [each | {"source_sha256": f"{number}{'a' * 63}"} for each, number in zip(rows, (7, 3, 5), strict=True)]
    assert groups_of(rows) == ["3" + "a" * 15, "3" + "a" * 15, "5" + "a" * 15]


def test_an_empty_group_column_binds_nothing():
    distinct = [row(number) | {"source_sha256": f"{number}" * 64} for number in range(4)]
    assert len(set(groups_of(distinct))) == 4


def test_a_group_of_the_user_is_no_name_of_a_duplicate():
    rows = [row(1) | {"source_sha256": "1" * 64}, row(2, group=row(1)["sha256"]) | {"source_sha256": "2" * 64}]
    assert groups_of(rows) == ["1" * 16, "2" * 16]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12), st.randoms()
)
def test_groups_depend_on_content_and_neither_on_order_nor_on_paths(kinds, random):
    rows = [
        row(number, group=f"g{column}" if column else "", sha256=f"{jpeg or number + 100:064}")
        | {"source_sha256": f"{source or number + 50:016}" + "0" * 48}
        for number, (column, jpeg, source) in enumerate(kinds)
    ]
    before = dict(zip((each["source"] for each in rows), groups_of(rows), strict=True))
    shuffled = random.sample(rows, len(rows))
    assert groups_of(shuffled) == [before[each["source"]] for each in shuffled]
    moved = [each | {"file": f"dog/{number}.jpg", "source": f"new/{number}.png"} for number, each in enumerate(rows)]
    assert groups_of(moved) == list(before.values())


@settings(deadline=None)
@given(
    st.integers(1, 12).flatmap(
        lambda size: st.tuples(st.just(size), st.lists(st.tuples(*[st.integers(0, size - 1)] * 2)))
    )
)
def test_joining_gives_the_smallest_item_that_can_be_reached(case):
    size, bonds = case
    reachable = [{item} for item in range(size)]
    for _ in range(size):
        for one, other in bonds:
            reachable[one] |= reachable[other]
            reachable[other] |= reachable[one]
    assert group.join(size, bonds) == [min(each) for each in reachable]


@pytest.mark.parametrize("count", [0, 1])
def test_few_rows_are_grouped_too(count):
    found = group.find_groups(manifest.make([row(number) for number in range(count)], ["source"]))
    assert list(found.columns) == ["file", "label", "group", "reasons"]
    assert len(found) == count
