"""Plans: a stage's plan changes with all that its output depends on, and with nothing else."""

import ast
import copy
import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from huskies import params, plan, receipt
from huskies.errors import HuskyError
from ruamel.yaml import YAML

PROJECT = Path(__file__).parent.parent
FLOW = [
    "convert",
    "group",
    "split",
    "augment",
    "bottlenecks_original",
    "bottlenecks_augmented",
    "bottlenecks_test",
    "train_baseline",
    "train_augmented",
    "leaks",
    "metrics",
    "test",
]
BOTTLENECKS = ["bottlenecks_original", "bottlenecks_augmented", "bottlenecks_test"]
TRAININGS = ["train_baseline", "train_augmented"]

# Every key of params.yaml, another value for it, and the stages that read it themselves.
READERS = {
    "raw": ("elsewhere", ["convert"]),
    "convert.quality": (90, ["convert", "augment"]),
    "convert.max_side": (512, ["convert"]),
    "convert.max_rejected": (11, ["convert"]),
    "split.validation": (0.2, ["split"]),
    "split.test": (0.3, ["split"]),
    "split.seed": (2, ["split"]),
    "aug.factor": (6, ["augment"]),
    "aug.seed": (2, ["augment"]),
    "aug.policy": ([{"transform": "HorizontalFlip"}], ["augment"]),
    "backbone.name": ("MobileNetV2", BOTTLENECKS),
    "backbone.arguments": ({"alpha": 0.75}, BOTTLENECKS),
    "backbone.weights": ("other.weights.h5", BOTTLENECKS),
    "backbone.layer": ("conv_pw_11_relu", BOTTLENECKS),
    "backbone.input_size": (128, BOTTLENECKS),
    "train.steps": (100, TRAININGS),
    "train.batch_size": (10, TRAININGS),
    "train.optimizer": ("sgd", TRAININGS),
    "train.learning_rate": (0.1, TRAININGS),
    "train.dropout": (0.5, TRAININGS),
    "train.l1": (0.1, TRAININGS),
    "train.l2": (0.1, TRAININGS),
    "train.class_balanced": (False, TRAININGS),
    "train.keep": ("last", [*TRAININGS, "metrics"]),
    "train.seed": (2, TRAININGS),
}
# Every pinned library, and the stages whose bytes it shapes.
PINNED = [
    ("albumentations", ["augment"]),
    ("keras", [*BOTTLENECKS, *TRAININGS, "test"]),
    ("numpy", ["convert", "augment", *BOTTLENECKS, *TRAININGS, "metrics", "test"]),
    ("opencv-python-headless", ["augment"]),
    ("pandas", FLOW),
    ("pillow", ["convert", "augment", *BOTTLENECKS]),
    ("scipy", ["augment", "metrics", "test"]),
    ("tensorflow", [*BOTTLENECKS, *TRAININGS, "test"]),
]


@pytest.fixture(scope="module", autouse=True)
def _parse_each_source_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "code_digest", cache(plan.code_digest))
        yield


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A workspace with the project's own code, two raw folders, and two files of weights."""
    workspace = tmp_path_factory.mktemp("plan") / "workspace"
    shutil.copytree(PROJECT / "workflow", workspace / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "dvc.yaml", workspace)
    for raw, content in {"raw": b"pixels", "elsewhere": b"other pixels"}.items():
        (workspace / raw / "cat").mkdir(parents=True)
        (workspace / raw / "cat/1.png").write_bytes(content)
    (workspace / "backbones").mkdir()
    for weights in ("mini", "other"):
        (workspace / f"backbones/{weights}.weights.h5").write_text(weights)
    return workspace


@pytest.fixture
def workspace(project, tmp_path) -> Path:
    """A copy of the workspace, to be changed."""
    return shutil.copytree(project, tmp_path / "workspace")


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    loaded = YAML(typ="safe").load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    return {**loaded, "raw": "raw"}


@pytest.fixture(scope="module")
def first(project, values) -> dict[str, dict[str, Any]]:
    return plan.all_plans(values, project)


def below(stages: list[str], plans: dict[str, dict[str, Any]]) -> list[str]:
    """Return the stages and all below them in the flow."""
    reached = set(stages)
    for name, planned in plans.items():
        if reached & planned["inputs"].keys():
            reached.add(name)
    return [name for name in plans if name in reached]


def changed(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name in before if receipt.plan_hash(before[name]) != receipt.plan_hash(after[name])]


def own(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[str]:
    """Return the stages whose plan changed in something other than what follows from the plans above."""
    from_above = {"inputs": 0, "provenance": 0}
    return [name for name in before if before[name] | from_above != after[name] | from_above]


def test_stages_stand_in_the_order_of_the_flow(first):
    assert list(first) == FLOW
    assert "test" not in plan.tracked(PROJECT)
    for name, planned in first.items():
        assert planned["stage"] == name
        assert all(FLOW.index(above) < FLOW.index(name) for above in planned["inputs"])
        assert planned["inputs"] == {above: receipt.plan_hash(first[above]) for above in planned["inputs"]}


def test_plans_are_the_same_wherever_the_workspace_lies(workspace, values, first):
    assert plan.all_plans(values, workspace) == first
    assert json.loads(json.dumps(first)) == first


def test_the_table_of_readers_has_every_key(values):
    keys = {f"{key}.{inner}" for key, value in values.items() if isinstance(value, dict) for inner in value}
    assert set(READERS) == keys | {"raw"}


@pytest.mark.parametrize("key", READERS)
def test_a_parameter_changes_the_stages_that_read_it_and_those_below(project, values, first, key):
    other, readers = READERS[key]
    edited = copy.deepcopy(values)
    section, _, inner = key.partition(".")
    if inner:
        edited[section][inner] = other
    else:
        edited[section] = other
    after = plan.all_plans(edited, project)
    assert own(first, after) == [name for name in FLOW if name in readers]
    assert changed(first, after) == below(readers, first)


def test_the_stages_below_each_stage_are_those_of_the_drawing(first):
    assert below(["convert"], first) == FLOW
    assert below(["augment"], first) == [
        "augment",
        "bottlenecks_augmented",
        "train_augmented",
        "leaks",
        "metrics",
        "test",
    ]
    assert below(["bottlenecks_original"], first) == [
        "bottlenecks_original",
        *TRAININGS,
        "leaks",
        "metrics",
        "test",
    ]
    assert below(["bottlenecks_test"], first) == ["bottlenecks_test", "leaks", "metrics", "test"]
    assert below(["train_baseline"], first) == ["train_baseline", "leaks", "metrics", "test"]
    assert below(["leaks"], first) == ["leaks", "metrics", "test"]
    assert below(["metrics"], first) == ["metrics"]


SOURCE = '''"""A module."""

import os


class Thing:
    """A class."""

    size: int = 3

    def area(self, scale=2):
        """A method."""
        # the square
        return self.size ** 2 * scale


async def wait():
    """Nothing but a docstring."""


def text():
    return "not a docstring"
'''


@pytest.mark.parametrize(
    "edit",
    [
        lambda source: source.replace("A module.", "A module, described at length.\n\nIn two paragraphs."),
        lambda source: source.replace('"""A class."""\n', ""),
        lambda source: source.replace("A method.", "Another text."),
        lambda source: source.replace('"""Nothing but a docstring."""', "pass"),
        lambda source: source.replace("# the square", "# the area"),
        lambda source: source.replace("        # the square\n", ""),
        lambda source: "# a licence\n\n\n" + source.replace("\n\n\n", "\n\n"),
        lambda source: source.replace("import os\n", "import os  # for later\n"),
        lambda source: source.replace("self.size ** 2 * scale", "(self.size**2\n            * scale)"),
        lambda source: source.replace('"not a docstring"', "'not a docstring'"),
        lambda source: source.replace("\n", "\r\n"),
    ],
    ids=[
        "module docstring",
        "class docstring removed",
        "method docstring",
        "only a docstring",
        "comment",
        "comment removed",
        "blank lines",
        "comment behind code",
        "layout",
        "quotes",
        "line ends",
    ],
)
def test_comments_docstrings_and_layout_keep_the_digest(edit):
    edited = edit(SOURCE)
    assert edited != SOURCE
    assert plan.code_digest(edited) == plan.code_digest(SOURCE)


@pytest.mark.parametrize(
    "edit",
    [
        lambda source: source.replace("scale=2", "scale=3"),
        lambda source: source.replace("** 2", "** 3"),
        lambda source: source.replace("area", "surface"),
        lambda source: source.replace("import os\n", "import os, sys\n"),
        lambda source: source.replace("import os\n", ""),
        lambda source: source.replace('"not a docstring"', '"not a doc string"'),
        lambda source: source.replace("size: int = 3", "size: float = 3"),
        lambda source: source.replace("size: int = 3", "size: int = 3.0"),
        lambda source: source.replace("async def", "def"),
        lambda source: source + "\n\nwait()\n",
    ],
    ids=[
        "default",
        "operator",
        "name",
        "import",
        "import removed",
        "text",
        "annotation",
        "type of a number",
        "not async",
        "one more line",
    ],
)
def test_code_changes_the_digest(edit):
    edited = edit(SOURCE)
    assert edited != SOURCE
    assert plan.code_digest(edited) != plan.code_digest(SOURCE)


def test_every_module_of_the_package_survives_a_new_comment_and_not_a_new_constant():
    modules = sorted((PROJECT / "workflow/huskies").glob("*.py"))
    assert len(modules) > 25
    for path in modules:
        source = path.read_text(encoding="utf-8")
        ast.parse(source)
        assert plan.code_digest(f"{source}\n# a remark\n") == plan.code_digest(source), path.name
        assert plan.code_digest(f"{source}\n_ONE_MORE = 1\n") != plan.code_digest(source), path.name


@pytest.mark.parametrize(
    ("module", "readers"),
    [
        ("raw", ["convert", *BOTTLENECKS, *TRAININGS, "leaks", "metrics", "test"]),
        ("group", ["group", "split"]),
        ("policy", ["augment"]),
        ("store", [*BOTTLENECKS, *TRAININGS, "leaks", "metrics", "test"]),
        ("intervals", ["metrics", "test"]),
        ("metrics", ["metrics"]),
        ("errors", FLOW),
        ("runner", []),
        ("plan", []),
        ("record", []),
    ],
)
def test_an_edited_module_changes_the_stages_that_use_it_and_those_below(workspace, values, first, module, readers):
    path = workspace / f"workflow/huskies/{module}.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n# only a remark\n", encoding="utf-8")
    assert changed(first, plan.all_plans(values, workspace)) == []
    path.write_text(path.read_text(encoding="utf-8") + "\n_ONE_MORE = 1\n", encoding="utf-8")
    after = plan.all_plans(values, workspace)
    assert own(first, after) == [name for name in FLOW if name in readers]
    assert changed(first, after) == below(readers, first)


@pytest.mark.parametrize(("library", "readers"), PINNED)
def test_a_pin_changes_the_stages_whose_bytes_it_shapes_and_those_below(workspace, values, first, library, readers):
    pins = workspace / "workflow/pins.yaml"
    lines = pins.read_text(encoding="utf-8").splitlines()
    edited = [f"{library}: 99.0" if line.startswith(f"{library}:") else line for line in lines]
    assert edited != lines
    pins.write_text("\n".join(edited) + "\n", encoding="utf-8")
    after = plan.all_plans(values, workspace)
    assert own(first, after) == [name for name in FLOW if name in readers]
    assert changed(first, after) == below(readers, first)


def test_every_pin_stands_in_the_table_above():
    pins = YAML(typ="safe").load((PROJECT / plan.PINS).read_text(encoding="utf-8"))
    assert [library for library, _ in PINNED] == list(pins)


def test_other_weights_under_the_same_name_change_the_bottlenecks(workspace, values, first):
    (workspace / "backbones/mini.weights.h5").write_text("MINI")
    after = plan.all_plans(values, workspace)
    assert own(first, after) == BOTTLENECKS
    assert list(after["bottlenecks_test"]["files"]) == ["backbones/mini.weights.h5"]


def test_other_images_change_everything(workspace, values, first):
    (workspace / "raw/cat/2.png").write_bytes(b"one more")
    after = plan.all_plans(values, workspace)
    assert own(first, after) == ["convert"]
    assert changed(first, after) == FLOW


def test_weights_that_are_not_there_are_refused(project, values):
    edited = copy.deepcopy(values)
    edited["backbone"]["weights"] = "none.h5"
    with pytest.raises(HuskyError) as error:
        plan.all_plans(edited, project)
    assert str(error.value) == (
        f"there is no file {project}/backbones/none.h5. "
        "Put it there, or choose another backbone.weights in params.yaml."
    )


def test_a_plan_holds_only_the_parameters_that_its_stage_lists(first, values):
    assert first["group"]["params"] == {}
    assert first["augment"]["params"] == {"aug": values["aug"], "convert": {"quality": 95}}
    assert first["metrics"]["params"] == {"train": {"keep": "best"}}
    assert first["convert"]["params"] == {"raw": "raw", "convert": values["convert"]}
    assert [name for name in FLOW if first[name]["raw"]] == ["convert"]


def test_a_published_plan_is_fetched_as_it_was(first, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan.publish(first)
    for planned in first.values():
        assert plan.fetch(receipt.plan_hash(planned)) == planned
    assert len(list(plan.FOLDER.iterdir())) == len(FLOW)


def test_a_plan_is_published_once(first, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan.publish(first)
    before = {path: path.stat().st_mtime_ns for path in plan.FOLDER.iterdir()}
    plan.publish(first)
    assert {path: path.stat().st_mtime_ns for path in plan.FOLDER.iterdir()} == before


def test_a_policy_that_albumentations_refuses_is_not_published(first, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    edited = copy.deepcopy(first)
    edited["augment"]["params"]["aug"]["policy"] = [{"transform": "Rotat"}]
    with pytest.raises(HuskyError, match=r"^aug.policy.0: there is no transform 'Rotat'. Did you mean 'Rotate'\?$"):
        plan.publish(edited)
    with pytest.raises(HuskyError):
        plan.fetch(receipt.plan_hash(edited["augment"]))


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text("{"),
        lambda path: path.write_bytes(b"\xff"),
        lambda path: path.write_text("null"),
        lambda path: path.write_text(path.read_text().replace('"validation": 0.11', '"validation": 0.5')),
    ],
    ids=["removed", "cut short", "no text", "nothing", "edited"],
)
def test_a_plan_that_is_not_sound_is_not_used(first, tmp_path, monkeypatch, harm):
    monkeypatch.chdir(tmp_path)
    plan.publish(first)
    digest = receipt.plan_hash(first["split"])
    assert plan.fetch(digest) == first["split"]
    harm(plan.FOLDER / f"{digest}.json")
    with pytest.raises(HuskyError) as error:
        plan.fetch(digest)
    assert str(error.value) == (
        f"there is no sound plan .snakemake/plans/{digest}.json. Run the stage through snakemake, which writes it."
    )


def test_values_are_found_by_dotted_keys(values):
    assert params.lookup(values, "raw") == "raw"
    assert params.lookup(values, "backbone.arguments.alpha") == 0.5
