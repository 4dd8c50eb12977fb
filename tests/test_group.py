"""group: what is one thing in several files stays together, and what contradicts itself is found."""

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, bare_job
from copies import KINDS, copy, photos
from huskies import imports
from huskies.errors import HuskyError
from huskies.images import codec, groups, manifest, raw_files
from huskies.job import Job
from huskies.near_duplicates import comparison, descriptor
from huskies.planning import plan
from huskies.steps import convert, group
from PIL import Image

pytestmark = pytest.mark.usefixtures("lent_backbones")


@pytest.fixture(autouse=True)
def _where_the_weights_are(monkeypatch):
    monkeypatch.chdir(PROJECT)


def encoded(pixels: np.ndarray, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def png(seed: int, form: str = "PNG") -> bytes:
    return encoded(np.random.default_rng(seed).integers(0, 256, (40, 40, 3), dtype=np.uint8), form)


def make_job(stage: str, tmp_path: Path, params: dict, **given) -> Job:
    output = tmp_path / stage
    output.mkdir()
    inputs = {"convert": tmp_path / "convert"} if stage == "group" else {}
    code = plan.code(stage, imports.Package())
    return bare_job(stage=stage, params=params, inputs=inputs, code=code, output=output, **given)


def run(
    tmp_path: Path, files: dict[str, bytes | str], near_duplicates: bool = False, cores: int = 1
) -> tuple[dict[str, dict[str, str]], list[str], str]:
    """Convert and group real files; return the rows of groups.csv by source, the conflicts' files, and the summary."""
    for name, content in files.items():
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    raw = tmp_path / "raw"
    params = {"raw": str(raw), "convert": {"quality": 95, "max_side": 0, "max_rejected": 0}}
    convert.run(make_job("convert", tmp_path, params, raw_digest=raw_files.raw_digest(raw)))
    job = make_job("group", tmp_path, {"group": {"near_duplicates": near_duplicates}}, cores=cores)
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


def near_of(tmp_path: Path) -> list[tuple[str, str]]:
    """Return the pairs of near.csv, whose files are named as they are in the raw folder."""
    pairs = manifest.read(tmp_path / "group" / "near.csv")
    assert list(pairs.columns) == ["file", "other", "similarity"]
    return list(zip(pairs["file"], pairs["other"], strict=True))


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
        "left out 3 copies of one image under two labels (a/1.jpg, a/copy.jpg, b/1.jpg): see conflicts.csv"
    )


@pytest.mark.parametrize("count", [0, 1])
def test_few_rows_are_grouped_too(count):
    found = groups.find_groups(manifest.make([row(number) for number in range(count)], ["source"]))
    assert list(found.columns) == ["file", "label", "group", "reasons"]
    assert len(found) == count


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_of_each_kind_stays_with_its_original(tmp_path, kind):
    files = {f"a/{number}.png": encoded(photo) for number, photo in enumerate(photos())}
    files["b/other.png"] = png(1)
    files["a/copy.png"] = encoded(copy(kind, photos()[3]))
    groups, conflicts, summary = run(tmp_path, files, near_duplicates=True)
    alone = [[f"a/{number}.png"] for number in range(len(photos())) if number != 3]
    assert together(groups) == sorted([*alone, ["a/3.png", "a/copy.png"], ["b/other.png"]])
    assert groups["a/copy.png"]["reasons"] == groups["a/3.png"]["reasons"] == "near-duplicate"
    assert near_of(tmp_path) == [("a/3.jpg", "a/copy.jpg")]
    assert conflicts == []
    assert summary == "10 images in 9 groups, 2 not alone in theirs, 1 pairs of near-duplicates"


def test_near_duplicates_are_not_sought_where_params_say_so(tmp_path):
    files = {"a/1.png": encoded(photos()[0]), "a/2.png": encoded(photos()[0][:, ::-1]), "b/3.png": png(1)}
    groups, _, summary = run(tmp_path, files, near_duplicates=False)
    assert together(groups) == [["a/1.png"], ["a/2.png"], ["b/3.png"]]
    assert near_of(tmp_path) == []
    assert summary == "3 images in 3 groups, 0 not alone in theirs"


def test_near_duplicates_under_two_labels_are_a_conflict_with_their_exact_copies(tmp_path):
    photo = photos()[5]
    files = {
        "a/1.png": encoded(photo),
        "b/mirrored.png": encoded(copy("mirrored", photo)),
        "a/exact.bmp": encoded(photo, "BMP"),
        "a/2.png": encoded(photos()[0]),
        "a/3.png": encoded(copy("cropped", photos()[0])),
        "b/4.png": encoded(photos()[1]),
    }
    groups, conflicts, summary = run(tmp_path, files, near_duplicates=True)
    assert sorted(conflicts) == ["a/1.png", "a/exact.bmp", "b/mirrored.png"]
    assert together(groups) == [["a/1.png", "a/exact.bmp", "b/mirrored.png"], ["a/2.png", "a/3.png"], ["b/4.png"]]
    assert summary == (
        "6 images in 3 groups, 5 not alone in theirs, 2 pairs of near-duplicates; left out 3 copies of one image "
        "under two labels (a/1.jpg, a/exact.jpg, b/mirrored.jpg): see conflicts.csv"
    )


def test_what_is_near_depends_on_neither_names_nor_cores(tmp_path):
    pictures = [*photos(), *(copy("tilted", photo) for photo in photos()[:4]), copy("cropped", photos()[0])]
    contents = [encoded(picture) for picture in pictures]
    names = [f"a/{number:02}.png" for number in range(len(contents))]
    others = [f"a/{99 - number}.png" for number in range(len(contents))]
    first, second = (
        run(tmp_path / str(cores), {**dict(zip(named, contents, strict=True)), "b/x.png": png(1)}, True, cores)[0]
        for named, cores in ((names, 1), (others, 3))
    )
    assert len({each["group"] for each in first.values()}) == 9
    assert [second[each]["group"] for each in others] == [first[each]["group"] for each in names]
    similarities = [sorted(manifest.read(tmp_path / each / "group/near.csv")["similarity"]) for each in "13"]
    assert similarities[0] == similarities[1]


def test_added_images_alone_are_described(tmp_path, monkeypatch):
    described = []
    compute = descriptor.compute
    monkeypatch.setattr(descriptor, "compute", lambda seen, cores: described.append(len(seen)) or compute(seen, cores))
    files = {f"a/{number}.png": encoded(photo) for number, photo in enumerate(photos()[:5])} | {"b/1.png": png(1)}
    run(tmp_path / "one", files, True)
    run(tmp_path / "two", files, True)
    run(tmp_path / "three", files | {"a/new.png": encoded(photos()[6]), "a/same.png": encoded(photos()[2])}, True)
    assert described == [6, 1]


def test_what_pairs_csv_says_goes_before_what_is_found(tmp_path, monkeypatch):
    files = {"a/1.png": encoded(photos()[0]), "a/2.png": encoded(copy("mirrored", photos()[0]))}
    files |= {"a/same as 2.bmp": encoded(copy("mirrored", photos()[0]), "BMP")}
    files |= {"a/3.png": encoded(photos()[1]), "a/4.png": encoded(photos()[2]), "b/5.png": png(1)}
    monkeypatch.setattr(group.pairs, "PATH", tmp_path / "pairs.csv")
    group.pairs.PATH.write_text("a/2.png,a/1.png,different\na/3.png,a/4.png,same\n")
    monkeypatch.setattr(group, "what_is_said", lambda job, rows: group.pairs.read(group.pairs.PATH))
    groups, conflicts, summary = run(tmp_path, files, near_duplicates=True)
    assert together(groups) == [["a/1.png"], ["a/2.png", "a/same as 2.bmp"], ["a/3.png", "a/4.png"], ["b/5.png"]]
    assert groups["a/3.png"]["reasons"] == "pairs.csv"
    assert near_of(tmp_path) == []
    assert conflicts == []
    assert summary.endswith("/pairs.csv: 1 pairs the same, 1 different")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_near_duplicates_are_sought_among_few_images_too(tmp_path, count):
    (tmp_path / "convert/a").mkdir(parents=True)
    rows = []
    for number in range(count):
        content = codec.encode(copy("tilted", photos()[0]) if number else photos()[0], 95)
        (tmp_path / f"convert/a/{number}.jpg").write_bytes(content)
        rows.append(row(number, file=f"a/{number}.jpg", sha256=codec.sha256(content)))
    job = make_job("group", tmp_path, {"group": {"near_duplicates": True}})
    found = group.near_duplicates(job, manifest.make(rows, ["source"]))
    assert found[["file", "other"]].to_numpy().tolist() == ([["a/0.jpg", "a/1.jpg"]] if count == 2 else [])


def test_an_image_that_is_not_its_manifest_s_is_refused(tmp_path):
    (tmp_path / "convert/cat").mkdir(parents=True)
    for number in (1, 2):
        (tmp_path / f"convert/cat/{number}.jpg").write_bytes(codec.encode(photos()[number], 95))
    job = make_job("group", tmp_path, {"group": {"near_duplicates": True}})
    with pytest.raises(HuskyError, match=r"^\S+/cat/1.jpg is not the file its manifest lists\. Delete "):
        group.near_duplicates(job, manifest.make([row(1), row(2)], ["source"]))


@pytest.mark.long
@pytest.mark.shared
def test_shots_of_one_flower_end_up_together(tmp_path):
    flowers = Path(os.environ["HUSKIES_SHARED"], "data/flowers")
    labels = pd.read_csv(flowers / "flower_labels.csv", dtype=str).itertuples()
    files = {f"{each.label}/{each.file}": (flowers / each.file).read_bytes() for each in labels}
    groups, conflicts, _ = run(tmp_path, files, near_duplicates=True, cores=2)
    shots = [["4/0052.png", "4/0178.png"], ["9/0054.png", "9/0073.png"]]
    assert [each for each in together(groups) if len(each) > 1] == shots
    assert conflicts == []


def test_what_looks_alike_is_compared_while_the_network_is_made_and_no_pair_twice(tmp_path, monkeypatch):
    pictures = [each for photo in photos() for each in (photo, copy("mirrored", photo))]
    files = []
    for number, picture in enumerate(pictures):
        content = codec.encode(picture, 95)
        (tmp_path / f"{number}.jpg").write_bytes(content)
        files.append((tmp_path / f"{number}.jpg", codec.sha256(content)))
    happened, compare_all = [], comparison.compare_all

    def compare(files, thumbnails, pairs, cores):
        happened.append(pairs)
        return compare_all(files, thumbnails, pairs, cores)

    def descriptors() -> np.ndarray:
        happened.append("descriptors")
        return np.random.default_rng(0).normal(size=(len(files), 4)).astype(np.float32)

    monkeypatch.setattr(comparison, "compare_all", compare)
    found = group.find_near(files, comparison.thumbnails(files, 1), descriptors, 1)
    assert [pair[:2] for pair in found] == [(number, number + 1) for number in range(0, len(files), 2)]
    by_pixels, between, by_features = happened
    assert between == "descriptors"
    assert by_features
    assert not set(by_pixels) & set(by_features)
