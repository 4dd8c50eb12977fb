"""label_issues: planted wrong labels are found, copies vote for nobody, duplicates and contradictions listed."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT
from huskies.backbone import inference
from huskies.errors import HuskyError
from huskies.images import codec, manifest
from huskies.page import label_issues
from sklearn.datasets import load_digits

SEEDS = range(10)


def rows(labels: list[str], groups: list[str] | None = None, split: str = "train") -> pd.DataFrame:
    """Return rows of a manifest of data/split, each image in a group of its own if no groups are given."""
    groups = groups or [f"{number}" for number in range(len(labels))]
    return manifest.make(
        [
            {"file": f"{label}/{split}_{number:04}.jpg", "label": label, "split": split, "group": group}
            for number, (label, group) in enumerate(zip(labels, groups, strict=True))
        ]
    )


def plant(labels: list[str], share: float, seed: int) -> tuple[pd.DataFrame, set[str]]:
    """Return rows of which a share has a wrong label, and the files of those."""
    random = np.random.default_rng(seed)
    wrong = random.choice(len(labels), round(share * len(labels)), replace=False)
    names, given = sorted(set(labels)), list(labels)
    for row in wrong:
        given[row] = random.choice([name for name in names if name != labels[row]])
    table = rows(given)
    return table, set(table["file"].iloc[wrong])


def rates(labels: list[str], features: np.ndarray, share: float) -> tuple[float, float]:
    """Return (precision, recall) of the suspects over the planted wrong labels of all SEEDS."""
    listed, found, planted = 0, 0, 0
    for seed in SEEDS:
        table, wrong = plant(labels, share, seed)
        files = set(label_issues.suspects(table, features)["file"].head(label_issues.LIMIT))
        listed, found, planted = listed + len(files), found + len(files & wrong), planted + len(wrong)
    return found / listed, found / planted


def test_wrong_labels_planted_among_digits_are_found_by_their_pixels():
    pixels, labels = load_digits(return_X_y=True)
    precision, recall = rates([str(label) for label in labels[:360]], pixels[:360].astype(np.float32), 0.05)
    assert recall > 0.9
    assert precision > 0.8


def computed(files: list[Path], folder: Path, **parameters: object) -> np.ndarray:
    encoded = []
    for number, file in enumerate(files):
        jpeg = codec.encode(codec.decode(file.read_bytes()), 95)
        (folder / f"{number}.jpg").write_bytes(jpeg)
        encoded.append((folder / f"{number}.jpg", codec.sha256(jpeg)))
    settled = {"arguments": {}, "layer": None, "engine": "openvino", "precision": "float32", **parameters}
    return np.concatenate([features for _, features in inference.compute(settled, encoded, 2)])


@pytest.mark.long
def test_wrong_labels_planted_among_digits_are_found_by_the_bundled_backbone(tmp_path, monkeypatch):
    monkeypatch.chdir(PROJECT)
    files = sorted(Path("data/digits").glob("*/*.png"))[::5]
    network = {"name": "MobileNet", "arguments": {"alpha": 0.5}, "weights": "mini.weights.h5", "input_size": 96}
    features = computed(files, tmp_path, **network)
    labels = [file.parent.name for file in files]
    precision, recall = rates(labels, features, 0.03)
    assert recall > 0.85
    assert precision > 0.45
    # Where all labels are right, what is listed is merely hard.
    assert len(label_issues.suspects(rows(labels), features)) >= label_issues.LIMIT


@pytest.mark.shared
@pytest.mark.long
def test_wrong_labels_planted_among_flowers_are_found(tmp_path, monkeypatch):
    shared = Path(os.environ["HUSKIES_SHARED"])
    [weights] = shared.glob("keras/models/mobilenet_v2_*_1.0_224_no_top.h5")
    (tmp_path / "backbones").mkdir()
    (tmp_path / "backbones/flowers.h5").symlink_to(weights)
    monkeypatch.chdir(tmp_path)
    table = manifest.read(shared / "data/flowers/flower_labels.csv")
    files = [shared / "data/flowers" / file for file in table["file"]]
    features = computed(files, tmp_path, name="MobileNetV2", weights="flowers.h5", input_size=224)
    precision, recall = rates(list(table["label"]), features, 0.05)
    assert recall > 0.85
    assert precision > 0.4


def around(*centres: float) -> np.ndarray:
    """Return three-dimensional features that lie about one of three directions each, by number."""
    return (np.eye(3)[list(map(int, centres))] + np.random.default_rng(0).normal(0, 0.02, (len(centres), 3))).astype(
        np.float32
    )


def test_a_label_is_suspected_where_the_nearest_images_have_another_one():
    table = rows(["rose", *["iris"] * 6, *["rose"] * 6])
    found = label_issues.suspects(table, around(0, *[0] * 6, *[1] * 6))
    assert found.to_dict("records") == [
        {
            "file": "rose/train_0000.jpg",
            "label": "rose",
            "suggested": "iris",
            "score": 1.0,
            "reason": "5 of its 5 nearest images are 'iris', none is 'rose'",
        }
    ]


def test_a_label_is_doubted_where_the_neighbours_and_the_heads_agree_that_it_is_wrong():
    table = rows(["rose", *["iris"] * 6, *["rose"] * 6])
    features = around(0, *[0] * 6, *[1] * 6)
    # In the order of the names, iris and rose: the head takes the first image for an iris, and the last one, too.
    probabilities = np.array([[0.9, 0.1]] * 7 + [[0.2, 0.8]] * 5 + [[0.6, 0.4]])
    assert label_issues.doubted(table, features, probabilities).to_dict("records") == [
        {
            "file": "rose/train_0000.jpg",
            "label": "rose",
            "suggested": "iris",
            "score": 0.9,
            "reason": "held out, it is taken for 'iris' (90%); 5 of its 5 nearest images are 'iris', none is 'rose'",
        }
    ]
    sure = np.array([[0.1, 0.9]] + [[0.9, 0.1]] * 6 + [[0.2, 0.8]] * 6)
    assert label_issues.doubted(table, features, sure).empty


def test_what_is_to_be_corrected_has_the_names_of_the_raw_photos_and_comes_back_to_the_page(tmp_path):
    table = rows(["rose", *["iris"] * 6, *["rose"] * 6]).assign(source=[f"{number}.png" for number in range(13)])
    probabilities = np.array([[0.9, 0.1]] * 7 + [[0.2, 0.8]] * 6)
    found = label_issues.doubted(table, around(0, *[0] * 6, *[1] * 6), probabilities)
    written = label_issues.to_correct(found, table)
    assert written.loc[0, ["file", "label", "labelled", "image"]].to_list() == [
        *("0.png", "iris", "rose", "rose/train_0000.jpg")
    ]
    pd.concat([written] * 30).to_csv(tmp_path / "many.csv", index=False)
    assert len(label_issues.shown(tmp_path / "many.csv")) == label_issues.LIMIT == 20
    written.to_csv(tmp_path / "label_issues.csv", index=False)
    shown = label_issues.shown(tmp_path / "label_issues.csv")
    pd.testing.assert_frame_equal(shown[found.columns], found, check_dtype=False)


def test_copies_of_an_image_have_no_vote_on_its_label():
    features = around(*[0] * 4, *[0] * 6, *[1] * 6)
    labels = [*["rose"] * 4, *["iris"] * 6, *["rose"] * 6]
    apart = label_issues.suspects(rows(labels), features)
    together = label_issues.suspects(rows(labels, ["copies"] * 4 + [f"{number}" for number in range(12)]), features)
    four = [f"rose/train_{number:04}.jpg" for number in range(4)]
    assert sorted(together.loc[together["score"] == 1, "file"]) == four
    assert not (apart["score"] == 1).any()


def test_an_image_with_no_neighbour_at_all_is_not_suspected():
    assert label_issues.suspects(rows(["a", "b"], ["one", "one"]), around(0, 1)).empty
    assert label_issues.suspects(rows(["a"]), around(0)).empty


def test_fewer_images_than_votes_vote_as_they_are():
    features = np.float32([[1, 0], [1, 0], [1, 0], [0, 1]])
    [found] = label_issues.suspects(rows(["rose", "iris", "iris", "rose"]), features).to_dict("records")
    assert (found["file"], found["suggested"], found["score"]) == ("rose/train_0000.jpg", "iris", 1.0)
    assert found["reason"] == "2 of its 2 nearest images are 'iris', none is 'rose'"


def test_the_most_suspicious_come_first():
    random = np.random.default_rng(0)
    found = label_issues.suspects(rows(list("abcd" * 50)), random.normal(size=(200, 8)).astype(np.float32))
    assert found["score"].is_monotonic_decreasing
    assert (found["label"] != found["suggested"]).all()


@pytest.mark.parametrize(
    ("nearest", "reason"),
    [
        ("bbbba", "4 of its 5 nearest images are 'b', 1 is 'a'"),
        ("bbbaa", "3 of its 5 nearest images are 'b', 2 are 'a'"),
        ("bbaac", "2 of its 5 nearest images are 'b', 2 are 'a', less like it"),
        ("bbb", "3 of its 3 nearest images are 'b', none is 'a'"),
    ],
)
def test_the_reason_is_told_in_words(nearest, reason):
    assert label_issues._reason(list(nearest), "a", "b") == reason


def test_images_of_one_group_are_listed_with_the_reason():
    table = rows(["a", "a", "b", "b"], ["g1", "g2", "g1", "g3"])
    groups = pd.DataFrame(
        [
            (f"{label}/{number:04}.jpg", reason)
            for number, (label, reason) in enumerate(zip("aabb", "x-y-", strict=True))
        ],
        columns=["file", "reasons"],
    )
    assert label_issues.duplicates(table, groups).to_dict("split")["data"] == [
        ["g1", "a/train_0000.jpg", "a", "train", "x"],
        ["g1", "b/train_0002.jpg", "b", "train", "y"],
    ]


def test_what_the_column_alone_puts_together_is_no_duplicate():
    table = rows(list("aaaaaa"), ["g1", "g1", "g1", "g2", "g2", "g3"])
    reasons = ["column", "column+near-duplicate", "column+near-duplicate", "column", "column", ""]
    groups = pd.DataFrame({"file": [f"a/{number:04}.jpg" for number in range(6)], "reasons": reasons})
    found = label_issues.duplicates(table, groups)
    assert found["file"].tolist() == ["a/train_0001.jpg", "a/train_0002.jpg"]


def test_an_image_whose_duplicate_is_in_no_split_has_only_the_company_of_the_column():
    table = rows(list("aa"), ["g1", "g1"])
    groups = pd.DataFrame({"file": ["a/0000.jpg", "a/0001.jpg"], "reasons": ["column+duplicate", "column"]})
    assert label_issues.duplicates(table, groups).empty


def test_the_name_of_a_class_or_an_image_may_look_like_a_split():
    table = pd.DataFrame(
        [("train_x/train_train_1.jpg", "g"), ("train_x/train_val_2.jpg", "g")], columns=["file", "group"]
    ).assign(label="train_x", split="train")
    groups = pd.DataFrame({"file": ["train_x/train_1.jpg", "train_x/val_2.jpg"], "reasons": ["one", "other"]})
    assert label_issues.duplicates(table, groups)["reasons"].tolist() == ["one", "other"]


def test_copies_under_two_labels_are_listed_in_pairs():
    conflicts = pd.DataFrame(
        [("a/1.jpg", "a", "s1"), ("b/1.jpg", "b", "s1"), ("a/2.jpg", "a", "s2"), ("b/3.jpg", "b", "s3")],
        columns=["file", "label", "sha256"],
    )
    near = pd.DataFrame(
        [("a/2.jpg", "b/3.jpg", "0.9512"), ("a/2.jpg", "c/9.jpg", "0.9")], columns=["file", "other", "similarity"]
    )
    assert label_issues.contradictions(conflicts, near).to_dict("split")["data"] == [
        ["a/1.jpg", "a", "b/1.jpg", "b", 1.0],
        ["a/2.jpg", "a", "b/3.jpg", "b", 0.9512],
    ]
    assert label_issues.contradictions(conflicts.iloc[:0], near).empty


def test_test_images_are_refused():
    table = rows(["a", "b"], split="test")
    for look in (
        lambda: label_issues.suspects(table, np.eye(2, dtype=np.float32)),
        lambda: label_issues.duplicates(table, pd.DataFrame({"file": [], "reasons": []})),
    ):
        with pytest.raises(HuskyError, match=r"^these images are neither for training nor for validation: a/test_0000"):
            look()
