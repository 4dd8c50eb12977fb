"""params.yaml: every wrong value is refused in one line that names the key, what is wrong, and what is near."""

import datetime
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT
from huskies.errors import HuskyError
from huskies.planning import params
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

SCHEMA = json.loads((PROJECT / params.SCHEMA).read_text(encoding="utf-8"))
LAYERS = ["conv_pw_6_relu", "conv_pw_11_relu"]

KNOWN = (
    "Known: article, aug, backbone, card, convert, cross_validation, distort, encoders, final, gate, group, leaks, "
    "noise, predict, raw, run, split, train."
)

BAD_VALUES = [
    ("raw", "", '"", but must not be empty.'),
    ("raw", 5, "5, but must be of type string."),
    ("raw", None, "null, but must be of type string."),
    ("convert", [], "[], but must be of type object."),
    ("convert.quality", 0, "0, but must be at least 1."),
    ("convert.quality", 101, "101, but must be at most 100."),
    ("convert.quality", "95", '"95", but must be of type integer.'),
    ("convert.quality", 95.5, "95.5, but must be of type integer."),
    ("convert.max_side", -1, "-1, but must be at least 0."),
    ("convert.max_rejected", -1, "-1, but must be at least 0."),
    ("convert.max_rejected", True, "true, but must be of type integer."),
    ("group.near_duplicates", "yes", '"yes", but must be of type boolean.'),
    ("split.given", "kept", '"kept", but must be one of keep, mix.'),
    ("split.validation", 0, "0, but must be above 0."),
    ("split.validation", 1, "1, but must be below 1."),
    ("split.validation", "0.2", '"0.2", but must be of type number.'),
    ("split.test", -0.1, "-0.1, but must be at least 0."),
    ("split.test", 1.0, "1.0, but must be below 1."),
    ("split.seed", "one", '"one", but must be of type integer.'),
    ("cross_validation.folds", 1, "1, but must be at least 2."),
    ("cross_validation.repeats", 0, "0, but must be at least 1."),
    ("final.head", "best", '"best", but must be one of auto, baseline, augmented.'),
    ("final.with_test", 1, "1, but must be of type boolean."),
    ("predict.accept", 0, "0, but must be above 0."),
    ("predict.accept", 1.5, "1.5, but must be at most 1."),
    ("predict.method", "luck", '"luck", but must be one of neighbours, mahalanobis, probability, energy.'),
    ("gate.accuracy", 95, "95, but must be at most 1."),
    ("gate.per_class", -0.5, "-0.5, but must be at least 0."),
    ("gate.action", "stop", '"stop", but must be one of fail, warn.'),
    ("card.title", 1, "1, but must be of type string or null."),
    ("card.about", ["a"], '["a"], but must be of type string or null.'),
    ("card.licence", True, "true, but must be of type string or null."),
    ("leaks.action", "stop", '"stop", but must be one of fail, warn.'),
    ("split.repeat", -1, "-1, but must be at least 0."),
    ("split.train_per_class", -1, "-1, but must be at least 0."),
    ("noise.images", 7, "7, but must be at least 8."),
    ("noise.side", 0, "0, but must be at least 1."),
    ("noise.classes", 1, "1, but must be at least 2."),
    ("noise.seed", -1, "-1, but must be at least 0."),
    ("article.flowers", "", '"", but must not be empty.'),
    ("run.shards", 0, "0, but must be at least 1."),
    ("run.shards", 1001, "1001, but must be at most 1000."),
    ("article.seeds", 1, "1, but must be at least 2."),
    ("article.policies", 1, "1, but must be at least 2."),
    ("distort.steps", 0, "0, but must be at least 1."),
    ("distort.flip_left_right", 1, "1, but must be of type boolean."),
    ("distort.random_crop", -1, "-1, but must be at least 0."),
    ("distort.random_crop", 201, "201, but must be at most 200."),
    ("distort.random_scale", "10", '"10", but must be of type number.'),
    ("distort.random_scale", 201, "201, but must be at most 200."),
    ("distort.random_brightness", 101, "101, but must be at most 100."),
    ("aug.factor", -1, "-1, but must be at least 0."),
    ("aug.factor", 2.5, "2.5, but must be of type integer."),
    ("aug.factor", 5.0, "5.0, but must be of type integer."),
    ("aug.seed", None, "null, but must be of type integer."),
    ("aug.policy", {}, "{}, but must be of type array."),
    ("aug.policy.0", "Rotate", '"Rotate", but must be of type object.'),
    ("backbone.name", 3, "3, but must be of type string or null."),
    ("backbone.arguments", None, "null, but must be of type object."),
    ("backbone.weights", "", '"", but must be a plain file name, without a folder.'),
    ("backbone.weights", "../mini.h5", '"../mini.h5", but must be a plain file name, without a folder.'),
    ("backbone.weights", "a/b.h5", '"a/b.h5", but must be a plain file name, without a folder.'),
    ("backbone.weights", "a\\b.h5", '"a\\\\b.h5", but must be a plain file name, without a folder.'),
    ("backbone.weights", "/etc/passwd", '"/etc/passwd", but must be a plain file name, without a folder.'),
    ("backbone.layer", 7, "7, but must be of type string or array or null."),
    ("backbone.layer", [], "[], but [] should be non-empty."),
    ("backbone.input_size", 31, "31, but must be at least 32."),
    ("backbone.input_size", 2049, "2049, but must be at most 2048."),
    ("backbone.input_size", "96", '"96", but must be of type integer or null.'),
    ("backbone.preprocessing", "crop", '"crop", but must be of type object or null.'),
    ("backbone.output", 0, "0, but must be of type string or null."),
    ("backbone.pooling", "max", '"max", but must be one of mean, cls, cls+mean, none, null.'),
    ("encoders.candidates", {}, "{}, but must be of type array."),
    ("backbone.engine", "tensorflw", '"tensorflw", but must be one of auto, tensorflow, openvino.'),
    ("backbone.precision", "int4", '"int4", but must be one of auto, float32, bfloat16, int8.'),
    ("train.steps", 0, "0, but must be at least 1."),
    ("train.steps", 1e3, "1000.0, but must be of type integer."),
    ("train.batch_size", 0, "0, but must be at least 1."),
    ("train.optimizer", "rmsprop", '"rmsprop", but must be one of adam, sgd.'),
    ("train.optimizer", "Adam", '"Adam", but must be one of adam, sgd.'),
    ("train.learning_rate", 0, "0, but must be above 0."),
    ("train.learning_rate", "1e-3", '"1e-3", but must be of type number.'),
    ("train.dropout", 1, "1, but must be below 1."),
    ("train.dropout", -0.1, "-0.1, but must be at least 0."),
    ("train.l1", -1, "-1, but must be at least 0."),
    ("train.l2", -1, "-1, but must be at least 0."),
    ("train.mixup", -1, "-1, but must be at least 0."),
    ("train.scaling", "none", '"none", but must be one of standardise, discriminants, auto.'),
    ("train.shrinkage", 0, "0, but must be above 0."),
    ("train.shrinkage", 1.5, "1.5, but must be at most 1."),
    ("train.shrinkage", "most", '"most", but must be a number or auto.'),
    ("train.l2", "some", '"some", but must be a number or auto.'),
    ("train.l2", [], "[], but must be of type number or string."),
    ("train.class_balanced", "yes", '"yes", but must be of type boolean.'),
    ("train.class_balanced", 1, "1, but must be of type boolean."),
    ("train.keep", "first", '"first", but must be one of best, last.'),
    ("train.seed", -1, "-1, but must be at least 0."),
    ("train.seed", 2147483648, "2147483648, but must be at most 2147483647."),
    ("train.steps", 10**9, "1000000000, but must be at most 100000000."),
    ("train.batch_size", 10**9, "1000000000, but must be at most 1000000."),
    ("train.learning_rate", 1e39, "1e+39, but must be at most 1000000."),
    ("train.mixup", 1e300, "1e+300, but must be at most 1000000."),
    ("split.seed", 10**19, "10000000000000000000, but must be at most 9223372036854775807."),
    ("aug.seed", -(10**19), "-10000000000000000000, but must be at least -9223372036854775807."),
    ("aug.factor", 10**18, "1000000000000000000, but must be at most 1000000."),
    ("noise.images", 10**9, "1000000000, but must be at most 10000000."),
    ("convert.max_side", 1 << 31, "2147483648, but must be at most 2147483647."),
]


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(PROJECT)


@pytest.fixture
def good() -> dict[str, Any]:
    return params.load()


def refusal(values: dict[str, Any]) -> str:
    with pytest.raises(HuskyError) as error:
        params.validate(values, params.SCHEMA)
    return str(error.value)


def with_value(values: dict[str, Any], dotted: str, value: Any) -> dict[str, Any]:
    *sections, key = dotted.split(".")
    inner = values
    for section in sections:
        inner = inner[int(section) if isinstance(inner, list) else section]
    inner[int(key) if isinstance(inner, list) else key] = value
    return values


def without(values: dict[str, Any], dotted: str) -> dict[str, Any]:
    *sections, key = dotted.split(".")
    inner = values
    for section in sections:
        inner = inner[section]
    del inner[key]
    return values


def described() -> dict[str, str]:
    """Return the description of every key of the schema, by dotted path."""
    found = {}
    for key, value in SCHEMA["properties"].items():
        found[key] = value["description"]
        for inner, each in value.get("properties", {}).items():
            found[f"{key}.{inner}"] = each["description"]
    return found


@pytest.mark.parametrize(("key", "value", "reason"), BAD_VALUES)
def test_a_bad_value_is_named_with_what_it_must_be(good, key, value, reason):
    assert refusal(with_value(good, key, value)) == f"params.yaml: {key} is {reason}"


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("resize", "cut", '"cut", but must be one of squash, crop, pad, null.'),
        ("scale", 0, "0, but must be above 0."),
        ("side", 31, "31, but must be at least 32."),
        ("mean", [1, 2], "[1, 2], but [1, 2] is too short."),
        ("std", [1, 0, 1], None),
    ],
)
def test_what_prepares_pixels_is_checked_as_well(good, key, value, reason):
    where, reason = ("std.1", "0, but must be above 0.") if reason is None else (key, reason)
    said = refusal(with_value(good, "backbone.preprocessing", {key: value}))
    assert said == f"params.yaml: backbone.preprocessing.{where} is {reason}"


def test_every_key_has_a_bad_value_above():
    sections = {key for key, value in SCHEMA["properties"].items() if value["type"] == "object"}
    assert {key for key, _, _ in BAD_VALUES} >= set(described()) - sections


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("augment", "unknown key 'augment'. Did you mean 'aug'?"),
        ("Raw", "unknown key 'Raw'. Did you mean 'raw'?"),
        ("zzz", f"unknown key 'zzz'. {KNOWN}"),
        ("aug.factr", "unknown key 'aug.factr'. Did you mean 'factor'?"),
        ("aug.count", "unknown key 'aug.count'. Known: factor, policy, seed."),
        ("train.learning-rate", "unknown key 'train.learning-rate'. Did you mean 'learning_rate'?"),
        ("convert.maxside", "unknown key 'convert.maxside'. Did you mean 'max_side'?"),
        ("split.val", "unknown key 'split.val'. Known: given, repeat, seed, test, train_per_class, validation."),
        ("backbone.input_sise", "unknown key 'backbone.input_sise'. Did you mean 'input_size'?"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(good, key, message):
    assert refusal(with_value(good, key, 1)) == f"params.yaml: {message}"


def test_a_section_that_there_is_no_longer_may_be_deleted(good):
    assert refusal({**good, "repeats": {"seeds": 20}}) == (
        "params.yaml: there is no section 'repeats' any longer. Delete it: cross-validation has replaced "
        "`snakemake repeats`, and has a section cross_validation of its own."
    )


def test_a_key_that_is_no_text_is_refused_too(good):
    assert refusal({**good, 5: 1}) == f"params.yaml: unknown key '5'. {KNOWN}"


@pytest.mark.parametrize("key", sorted(described()))
def test_a_missing_key_is_named(good, key):
    assert refusal(without(good, key)) == f"params.yaml: the key '{key}' is missing. Add it."


def test_a_policy_entry_without_a_transform_is_named(good):
    good["aug"]["policy"] = [{"transform": "Rotate"}, {"limit": 30}]
    assert refusal(good) == "params.yaml: the key 'aug.policy.1.transform' is missing. Add it."


@pytest.mark.parametrize(
    ("key", "text", "shown"),
    [
        ("train.learning_rate", ".nan", "nan"),
        ("train.learning_rate", ".inf", "inf"),
        ("train.l1", ".inf", "inf"),
        ("train.l2", ".nan", "nan"),
        ("train.dropout", ".nan", "nan"),
        ("split.validation", ".nan", "nan"),
        ("split.test", ".NaN", "nan"),
        ("aug.policy", "[{transform: Rotate, limit: [-.inf, 5]}]", "-inf"),
        ("backbone.arguments", "{alpha: .nan}", "nan"),
    ],
)
def test_numbers_are_finite(good, key, text, shown):
    where = {"aug.policy": "aug.policy.0.limit.0", "backbone.arguments": "backbone.arguments.alpha"}.get(key, key)
    value = YAML(typ="safe").load(text)
    assert refusal(with_value(good, key, value)) == f"params.yaml: {where} is {shown}. Use a finite number."


@pytest.mark.parametrize(("validation", "test"), [(0.5, 0.5), (0.2, 0.9)])
def test_held_out_fractions_leave_something_to_train_on(good, validation, test):
    with_value(with_value(good, "split.validation", validation), "split.test", test)
    assert refusal(good) == ("params.yaml: split.validation and split.test leave nothing to train on. Lower them.")


@pytest.mark.parametrize(
    ("values", "factors"),
    [
        ({"train.steps": 10**8}, "train.steps times train.batch_size"),
        ({"distort.steps": 10**8}, "distort.steps times train.batch_size"),
        ({"noise.side": 4096, "noise.images": 128}, "noise.images times noise.side times noise.side"),
    ],
)
def test_counts_whose_product_no_array_holds_are_refused(good, values, factors):
    for key, value in values.items():
        with_value(good, key, value)
    assert refusal(good) == f"params.yaml: {factors} is 2147483648 or more. Lower one of them."


@pytest.mark.parametrize("key", ["raw", "article.flowers", "backbone.weights"])
@pytest.mark.parametrize("path", ["ü" * 128, "a/" * 2001 + "a"], ids=["a long name", "a long path"])
def test_a_path_longer_than_the_file_system_takes_is_refused(good, key, path):
    if key == "backbone.weights":
        path = path.replace("/", "a")
    assert refusal(with_value(good, key, path)) == (
        f"params.yaml: {key} is longer than a path can be: 255 bytes a name, 4000 in all. Shorten it."
    )


def test_a_long_value_is_cut_short_in_the_message(good):
    assert refusal(with_value(good, "train.keep", "x" * 5000)) == (
        f'params.yaml: train.keep is "{"x" * 199}…, but must be one of best, last.'
    )


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("MobileNetV9", "Did you mean 'MobileNetV2'?"),
        ("mobilenetv2", "Did you mean 'MobileNetV2'?"),
        ("Inception", "Did you mean 'InceptionV3'?"),
        ("Resnet50", "Did you mean 'ResNet50'?"),
    ],
)
def test_an_unknown_architecture_is_refused_with_the_nearest_one(good, name, nearest):
    assert refusal(with_value(good, "backbone.name", name)) == (
        f"params.yaml: backbone.name: there is no architecture '{name}'. {nearest}"
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("split.test", 0),
        ("aug.factor", 0),
        ("aug.policy", []),
        ("convert.max_side", 0),
        ("backbone.layer", "conv_pw_11_relu"),
        ("backbone.layer", LAYERS),
        ("backbone.input_size", None),
        ("backbone.weights", "imagenet"),
        ("backbone.weights", "my weights.ünïcode.h5"),
        ("backbone.name", "InceptionV3"),
        ("train.learning_rate", 1),
        ("train.keep", "last"),
        ("split.seed", -7),
    ],
)
def test_what_the_schema_allows_passes(good, key, value):
    params.validate(with_value(good, key, value), params.SCHEMA)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", " must map keys to values, as 'raw: data/digits' does."),
        ("just text", " must map keys to values, as 'raw: data/digits' does."),
        ("", " is empty, as a DVC that was interrupted leaves it. Restore it: git checkout "),
        ("raw: [1, 2\n", " is not valid YAML: "),
        ("raw: a\n  split: b\n", " is not valid YAML: "),
        ("raw: a\nraw: b\n", " is not valid YAML: "),
        ("train:\n  seed: 1\n  seed: 2\n", " is not valid YAML: "),
        ("raw: \x07\n", " is not valid YAML: "),
        ("raw: !!python/object:os.system x\n", ', line 1: "x" is of YAML\'s type python/object:os.system. '),
        ("a: b\nraw: 2024-13-45\n", ', line 2: "2024-13-45" is of YAML\'s type timestamp. '),
    ],
    ids=[
        "list",
        "text",
        "empty",
        "open list",
        "indentation",
        "twice",
        "twice in a section",
        "control",
        "tag",
        "no date",
    ],
)
def test_a_file_that_maps_no_keys_is_refused(tmp_path, text, message):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(HuskyError) as error:
        params.load(path)
    assert str(error.value).startswith(f"{path}{message}")
    assert "\n" not in str(error.value)


def test_a_key_given_twice_is_named(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("raw: a\nraw: b\n")
    with pytest.raises(HuskyError, match=r'found duplicate key "raw" with value "b" \(original value: "a"\)'):
        params.load(path)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(b"raw: \xff\xfe\n")
    with pytest.raises(HuskyError, match=r"params.yaml is not valid YAML: 'utf-8' codec can't decode byte 0xff"):
        params.load(path)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def an_endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.mkdir, "{} is no file. Move it away, and restore the file"),
        (a_pipe, "{} is no file. Move it away, and restore the file"),
        (an_endless_device, "{} is no file. Move it away, and restore the file"),
        (a_link_to_itself, "cannot read {}: Too many levels of symbolic links. Restore it"),
    ],
)
def test_what_is_no_file_is_refused_at_once(tmp_path, make, reason):
    path = tmp_path / "params.yaml"
    make(path)
    with pytest.raises(HuskyError) as error:
        params.load(path)
    assert str(error.value) == f"{reason.format(path)}: git checkout {path}"


def test_a_missing_file_says_how_to_restore_it(tmp_path):
    path = tmp_path / "params.yaml"
    with pytest.raises(HuskyError) as error:
        params.load(path)
    assert str(error.value) == (
        f"there is no {path}. Run in the folder that holds it, or restore it: git checkout {path}"
    )


@pytest.mark.parametrize(
    ("overrides", "key", "value"),
    [
        ({"aug": {"factor": "3"}}, "aug.factor", 3),
        ({"train": {"learning_rate": "0.001"}}, "train.learning_rate", 0.001),
        ({"train": {"class_balanced": "false"}}, "train.class_balanced", False),
        ({"train": {"keep": "last"}}, "train.keep", "last"),
        ({"train": {"l2": "0.1"}}, "train.l2", 0.1),
        ({"train": {"l2": "1"}}, "train.l2", 1.0),
        ({"train": {"shrinkage": "auto"}}, "train.shrinkage", "auto"),
        ({"backbone": {"layer": "conv_pw_11_relu"}}, "backbone.layer", "conv_pw_11_relu"),
        ({"backbone": {"layer": "[conv_pw_6_relu, conv_pw_11_relu]"}}, "backbone.layer", LAYERS),
        ({"backbone": {"layer": ["conv_pw_6_relu", "conv_pw_11_relu"]}}, "backbone.layer", LAYERS),
        ({"backbone": {"input_size": "null"}}, "backbone.input_size", None),
        ({"backbone": {"input_size": "128"}}, "backbone.input_size", 128),
        ({"backbone": {"arguments": {"alpha": "0.75"}}}, "backbone.arguments", {"alpha": 0.75}),
        ({"backbone": {"arguments": "{alpha: 0.75}"}}, "backbone.arguments", {"alpha": 0.75}),
        ({"backbone": {"arguments": {}}}, "backbone.arguments", {}),
        ({"backbone": {"weights": "007"}}, "backbone.weights", "007"),
        ({"raw": "2024"}, "raw", "2024"),
        ({"raw": "true"}, "raw", "true"),
        ({"aug": "{factor: 3, seed: 1, policy: []}"}, "aug.factor", 3),
        (
            {"aug": {"policy": [{"transform": "Rotate", "limit": ["-5", "5"], "p": "0.5"}]}},
            "aug.policy",
            [{"transform": "Rotate", "limit": [-5, 5], "p": 0.5}],
        ),
    ],
)
def test_strings_from_the_command_line_are_read_as_what_they_replace(good, overrides, key, value):
    loaded = params.load(overrides=overrides)
    found = params.lookup(loaded, key)
    assert found == value
    assert type(found) is type(value)
    if not isinstance(overrides.get("aug"), str):
        assert with_value(loaded, key, params.lookup(good, key)) == good


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"aug": {"factor": "many"}}, 'params.yaml: aug.factor is "many", but must be of type integer.'),
        ({"aug": {"factr": "3"}}, "params.yaml: unknown key 'aug.factr'. Did you mean 'factor'?"),
        ({"augment": {"factor": 3}}, "params.yaml: unknown key 'augment'. Did you mean 'aug'?"),
        ({"aug": "5"}, "params.yaml: aug is 5, but must be of type object."),
        ({"train": {"steps": "1e3"}}, "params.yaml: train.steps is 1000.0, but must be of type integer."),
        ({"train": {"l1": ".inf"}}, "params.yaml: train.l1 is inf. Use a finite number."),
    ],
)
def test_overrides_are_validated_like_the_file(overrides, message):
    with pytest.raises(HuskyError) as error:
        params.load(overrides=overrides)
    assert str(error.value) == message


@pytest.mark.parametrize("value", ["{factor: [1", "[", "{factor: 3, factor: 4}", "'", "\t- a"])
def test_an_override_that_is_no_yaml_is_refused(value):
    with pytest.raises(HuskyError, match=r"^--config: .* is not valid YAML: "):
        params.load(overrides={"aug": value})


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"raw": datetime.date(2024, 1, 2)}, "--config: raw is of type date. "),
        ({"aug": {"policy": [{"transform": b"x"}]}}, "--config: aug.policy.0.transform is of type bytes. "),
        ({"aug": {"policy": ({"transform": "x"},)}}, "--config: aug.policy is of type tuple. "),
        ({"aug": {"policy": {1, 2}}}, "--config: aug.policy is of type set. "),
        ({"aug": {3: 4}}, '--config: aug has a key that is not text: "3".'),
        (
            {"aug": {"factor": 10**5000}},
            "--config: aug.factor is a whole number of more than 64 bits. Use a smaller one.",
        ),
        ({"raw": "a\0b"}, '--config: raw is "a\\u0000b", which has a character that no text may have.'),
        ({"aug": {"seed": "9" * 5000}}, f'--config: "{"9" * 59}… is not valid YAML: Exceeds the limit (4300 digits)'),
        ({"aug": "[2024-13-45]"}, '--config: "[2024-13-45]", line 1: "2024-13-45" is of YAML\'s type timestamp. '),
        (
            {"aug": "&a {policy: [*a]}"},
            '--config: "&a {policy: [*a]}", line 1: lists and mappings are nested more than 32 ',
        ),
    ],
)
def test_overrides_are_of_the_types_of_json(overrides, message):
    with pytest.raises(HuskyError) as error:
        params.load(overrides=overrides)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_overrides_that_hold_themselves_end_in_a_message():
    policy: list = []
    policy.append(policy)
    with pytest.raises(HuskyError, match=r"^--config: aug\.policy\.0: lists and mappings are nested more than 32 deep"):
        params.load(overrides={"aug": {"policy": policy}})


def test_overrides_that_repeat_one_value_beyond_measure_end_in_a_message():
    policy: list = ["x"]
    for _ in range(20):
        policy = [policy, policy, policy]
    with pytest.raises(HuskyError, match=r"^--config: it has more than 100000 characters, aliases written out"):
        params.load(overrides={"aug": {"policy": policy}})


def test_the_two_zeros_are_one(good):
    one, other = ({"aug": {"policy": [{"transform": "Rotate", "limit": zero}]}} for zero in ("0.0", "-0.0"))
    assert json.dumps(params.load(overrides=one)) == json.dumps(params.load(overrides=other))
    assert json.dumps(params.load(overrides={"train": {"l1": -0.0}})["train"]["l1"]) == "0.0"


def assert_one_line(error: HuskyError) -> None:
    assert len(str(error).splitlines()) == 1
    str(error).encode()


GOOD = json.dumps(YAML(typ="safe").load(PROJECT / params.FILE))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100)
@given(key=st.sampled_from([*described(), "aug.policy.0", "aug.policy.0.transform"]), value=JSON_VALUES)
def test_any_value_at_any_key_ends_in_parameters_or_a_message(key, value):
    values = with_value(json.loads(GOOD), key, value)
    for overrides in (values, {key.split(".")[0]: values[key.split(".")[0]]}):
        try:
            loaded = params.load(PROJECT / params.FILE, overrides=overrides)
        except HuskyError as error:
            assert_one_line(error)
        else:
            json.dumps(loaded, allow_nan=False).encode()


def test_overrides_leave_the_parameters_they_are_put_over_as_they_were(good):
    before = json.dumps(good)
    params.merge(good, {"aug": {"factor": "9", "policy": []}, "raw": "elsewhere"})
    assert json.dumps(good) == before


def test_the_file_has_the_keys_of_the_schema_in_its_order(good):
    keys = []
    for key, value in good.items():
        keys.append(key)
        if isinstance(value, dict):
            keys += [f"{key}.{inner}" for inner in value]
    assert keys == list(described())


def test_the_comment_above_each_key_is_its_description_in_the_schema():
    lines = params.FILE.read_text(encoding="utf-8").splitlines()
    section, wrong = "", []
    expected = described()
    for number, line in enumerate(lines):
        found = re.match(r"( {2})?(\w+):", line)
        if not found:
            continue
        indent, key = found.groups()
        section = section if indent else key
        dotted = f"{section}.{key}" if indent else key
        if dotted not in expected:
            continue
        above = []
        while number > 0 and lines[number - 1].strip().startswith("#"):
            number -= 1
            above.insert(0, lines[number].strip())
        wanted = f"# {expected[dotted]}"
        if wanted not in above:
            wrong.append(f"above {dotted} in params.yaml put this line:\n{indent or ''}{wanted}")
    assert not wrong, "\n".join(wrong)


def test_every_key_says_what_it_is_and_unknown_ones_are_forbidden():
    assert all(text.endswith(".") and text == text.strip() for text in described().values())
    sections = [SCHEMA, *(each for each in SCHEMA["properties"].values() if each["type"] == "object")]
    assert len(sections) == 18
    for section in sections:
        assert section["additionalProperties"] is False
        assert section["required"] == list(section["properties"])


def test_tensorflow_computes_in_float32_only(good):
    good["backbone"]["engine"] = "tensorflow"
    assert refusal(with_value(good, "backbone.precision", "bfloat16")) == (
        'params.yaml: backbone.precision is "bfloat16", but must be one of auto, float32.'
    )
