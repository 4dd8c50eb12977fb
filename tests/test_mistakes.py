"""mistakes: what each head got wrong and what it looks like, a map of all, and no look at a test image."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from conftest import TRAIN
from huskies import outputs
from huskies.errors import HuskyError
from huskies.images import manifest
from huskies.page import label_issues, mistakes
from huskies.training import head, saved
from threadpoolctl import threadpool_info, threadpool_limits

PARAMETERS = {**TRAIN, "learning_rate": 0.01}


def images(labels: str, splits: list[str]) -> pd.DataFrame:
    """Return rows of a manifest of data/split, one for each letter of `labels`."""
    rows = [
        {"file": f"{label}/{split}_{number}.jpg", "label": label, "split": split, "group": f"{number}"}
        for number, (label, split) in enumerate(zip(labels, splits, strict=True))
    ]
    return manifest.make(rows)


def validation() -> pd.DataFrame:
    rows = [("a/val_0.jpg", "a", "a", "0.9", "0.1"), ("a/val_1.jpg", "a", "b", "0.4", "0.6")]
    rows += [("b/val_2.jpg", "b", "a", "0.75", "0.25"), ("b/val_3.jpg", "b", "b", "0.0", "1.0")]
    return pd.DataFrame(rows, columns=["file", "label", "predicted", "p_a", "p_b"])


def test_the_surest_mistake_of_any_head_counts_and_a_right_answer_does_not():
    other = validation()
    # Surely right about what the first head missed, and wrong about one more.
    other.loc[1, ["predicted", "p_a", "p_b"]] = "a", "0.99", "0.01"
    other.loc[3, ["predicted", "p_a", "p_b"]] = "a", "0.8", "0.2"
    found = mistakes.missed_images({"baseline": validation(), "augmented": other})
    assert [(image["file"], image["label"], image["probability"]) for image in found] == [
        ("a/val_1.jpg", "a", 0.6), ("b/val_3.jpg", "b", 0.8), ("b/val_2.jpg", "b", 0.75),
    ]  # fmt: skip
    assert found[0]["heads"] == [
        {"name": "baseline", "predicted": "b", "probability": "0.6", "right": False},
        {"name": "augmented", "predicted": "a", "probability": "0.99", "right": True},
    ]


def test_heads_without_mistakes_missed_nothing():
    right = validation().query("label == predicted")
    assert mistakes.missed_images({"baseline": right, "augmented": right}) == []


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_the_probabilities_are_those_that_keras_gives(tmp_path):
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = random.normal(size=(60, 8)).astype(np.float32)
    features[np.arange(60), labels] += 1
    model = head.Head(features, labels, 3, PARAMETERS)
    model.advance(random.integers(0, 60, (20, 16), dtype=np.int32))
    model.save(tmp_path / head.NAME)
    names = np.array(["NA", "2", "b c"])
    index = pd.DataFrame({"file": [f"x/val_{number}.jpg" for number in range(60)], "label": names[labels]})
    predicted = saved.predictions(index.assign(sha256=""), model.predict(features), list(names))
    predicted.to_csv(tmp_path / outputs.VALIDATION, index=False)

    found = mistakes.missed_images({"baseline": manifest.read(tmp_path / outputs.VALIDATION)})
    by_keras = pd.DataFrame(head.predict_with(tmp_path / head.NAME, features), index=index["file"], columns=names)
    assert 0 < len(found) < 60
    for image in found:
        [answer] = image["heads"]
        assert answer["predicted"] == by_keras.loc[image["file"]].idxmax()
        assert float(answer["probability"]) == image["probability"]
        assert image["probability"] == pytest.approx(by_keras.loc[image["file"], answer["predicted"]], abs=1e-6)


def test_the_nearest_training_images_are_those_of_the_largest_cosine():
    random = np.random.default_rng(0)
    rows = images("ab" * 20, ["train", "train", "val", "train"] * 10)
    features = random.normal(size=(40, 16)).astype(np.float32)
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    standard /= np.linalg.norm(standard, axis=1, keepdims=True)
    asked = ["a/val_2.jpg", "a/val_6.jpg"]
    found = mistakes.nearest_training(rows, features, asked)
    assert found["file"].tolist() == [file for file in asked for _ in range(mistakes.NEAREST)]
    training = rows.index[rows["split"] == "train"]
    for file, near in found.groupby("file"):
        row = rows.index[rows["file"] == file][0]
        cosines = pd.Series(standard[training] @ standard[row], rows.loc[training, "file"]).nlargest(3)
        assert near["near"].tolist() == cosines.index.tolist()
        assert near["cosine"].tolist() == pytest.approx(cosines.tolist(), abs=1e-3)
        assert near["label"].tolist() == [file[0] for file in near["near"]]


def test_an_image_that_nobody_asks_about_has_no_neighbours_and_few_images_have_few():
    rows = images("aba", ["train", "train", "val"])
    features = np.eye(3, dtype=np.float32)
    assert mistakes.nearest_training(rows, features, []).empty
    assert len(mistakes.nearest_training(rows, features, ["a/val_2.jpg"])) == 2


def test_the_map_has_the_two_directions_of_the_largest_variance():
    random = np.random.default_rng(0)
    centred = random.normal(size=(50, 3))
    centred = np.linalg.qr(centred - centred.mean(axis=0))[0] * [5, 2, 0.1]
    turn = np.linalg.qr(random.normal(size=(6, 6)))[0][:3]
    points, explained = mistakes.project(
        images("a" * 50, ["train", "val"] * 25), (7 + centred @ turn).astype(np.float32)
    )
    assert abs(np.corrcoef(points["x"], centred[:, 0])[0, 1]) > 0.999
    assert abs(np.corrcoef(points["y"], centred[:, 1])[0, 1]) > 0.999
    variances = points[["x", "y"]].var(ddof=0) / centred.var(axis=0).sum()
    assert explained == pytest.approx(variances.tolist(), abs=1e-3)
    assert points[["file", "split"]].iloc[1].tolist() == ["a/val_1.jpg", "val"]


def test_the_largest_loading_of_a_component_is_positive():
    features = np.zeros((4, 3), np.float32)
    features[:, 1] = [-3, -1, 1, 3]
    features[:, 2] = [-0.5, 0.5, 0.5, -0.5]
    points, explained = mistakes.project(images("aaaa", ["train"] * 4), features)
    assert points["x"].tolist() == [-3, -1, 1, 3]
    assert points["y"].tolist() == [-0.5, 0.5, 0.5, -0.5]
    assert explained == (pytest.approx(20 / 21, abs=1e-4), pytest.approx(1 / 21, abs=1e-4))


@pytest.mark.parametrize("shape", [(1, 4), (3, 1), (3, 4)])
def test_images_that_hardly_differ_still_have_a_place(shape):
    points, explained = mistakes.project(images("a" * shape[0], ["train"] * shape[0]), np.ones(shape, np.float32))
    assert not points[["x", "y"]].to_numpy().any()
    assert explained == (0, 0)


def test_more_images_than_features_and_fewer_have_the_same_map(tmp_path):
    random = np.random.default_rng(0)
    features = (5 + random.normal(size=(600, 40)) * np.linspace(9, 1, 40)).astype(np.float32)
    rows = images("ab" * 300, ["train", "train", "val"] * 200)
    points, explained = mistakes.project(rows, features)
    # Features that are always nothing change nothing, and there are more of them than images.
    others, also_explained = mistakes.project(rows, np.pad(features, ((0, 0), (0, 600))))
    assert points[["x", "y"]].to_numpy() == pytest.approx(others[["x", "y"]].to_numpy(), abs=1.1e-4)
    assert explained == also_explained
    np.save(tmp_path / "features.npy", features)
    mapped, again = mistakes.project(rows, np.load(tmp_path / "features.npy", mmap_mode="r"))
    assert mapped.equals(points)
    assert again == explained


def test_the_map_of_many_images_takes_less_memory_than_their_features():
    rows, features = images("a" * 20_000, ["train"] * 20_000), np.zeros((20_000, 64), np.float32)
    features[:, :2] = np.random.default_rng(0).normal(size=(20_000, 2))
    tracemalloc.start()
    mistakes.project(rows, features)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < features.nbytes


@pytest.mark.parametrize("dimensions", [128, 512])
def test_evidence_is_the_same_on_any_number_of_threads(dimensions):
    random = np.random.default_rng(0)
    rows = images("".join(random.choice(list("abc"), 300)), ["train", "train", "val"] * 100)
    features = random.gamma(0.3, size=(300, dimensions)).astype(np.float32)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {threads}
            points, explained = mistakes.project(rows, features)
            near = mistakes.nearest_training(rows, features, list(rows["file"][2::3]))
            found.append(
                [each.to_csv() for each in (points, near, label_issues.suspects(rows, features))] + [explained]
            )
    assert found[0] == found[1]


REFUSAL = (
    "these images are neither for training nor for validation: b/test_1.jpg. Test images are looked at by "
    "`snakemake test` alone: give the rows of data/split/manifest.csv whose split is train or val."
)


def test_test_images_are_refused():
    rows, features = images("ab", ["train", "test"]), np.eye(2, dtype=np.float32)
    row = pd.DataFrame([("b/test_1.jpg", "b", "a", "1", "0")], columns=["file", "label", "predicted", "p_a", "p_b"])
    for look in (
        lambda: mistakes.missed_images({"baseline": row}),
        lambda: mistakes.nearest_training(rows, features, ["a/train_0.jpg"]),
        lambda: mistakes.project(rows, features),
    ):
        with pytest.raises(HuskyError) as refusal:
            look()
        assert str(refusal.value) == REFUSAL
