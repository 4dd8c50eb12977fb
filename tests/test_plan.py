"""Plans: a stage's plan changes with all that its output depends on, and with nothing else."""

import ast
import copy
import json
import re
import shutil
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from conftest import PROJECT
from huskies import imports, receipt, sources
from huskies.errors import HuskyError
from huskies.images import raw_files
from huskies.planning import params, plan, stage_list
from hypothesis import strategies as st
from ruamel.yaml import YAML

FLOW = list(stage_list.stages(PROJECT))
BOTTLENECKS = ["bottlenecks_original", "bottlenecks_augmented", "bottlenecks_test"]
FROM_AUGMENT = [
    "augment",
    "bottlenecks_augmented",
    "train_augmented",
    "leaks",
    "cross_validation",
    "metrics",
    "report",
    "test",
    "budget",
    "encoders",
    "final",
    "gate",
    "distorted",
    "export",
]
TRAININGS = ["train_baseline", "train_augmented"]
# Those that ask for the backbone.
OF_BACKBONE = [*BOTTLENECKS, "cross_validation", "label_safety", "budget", "encoders", "final", "distorted"]
# Those that look at images.
OF_PIXELS = [each for each in FLOW if each not in {"split", *TRAININGS, "metrics", "test", "gate"}]

# Every key of params.yaml, and another value for it.
OTHERS = {
    "cross_validation.folds": 3,
    "cross_validation.repeats": 1,
    "raw": "elsewhere",
    "convert.quality": 90,
    "convert.max_side": 512,
    "convert.max_rejected": 11,
    "group.near_duplicates": False,
    "split.given": "mix",
    "split.validation": 0.2,
    "split.test": 0.3,
    "split.seed": 2,
    "leaks.action": "warn",
    "split.repeat": 1,
    "split.train_per_class": 10,
    "noise.images": 40,
    "noise.side": 14,
    "noise.classes": 2,
    "noise.seed": 2,
    "run.shards": 2,
    "article.flowers": "flowers",
    "article.seeds": 3,
    "article.policies": 3,
    "distort.steps": 10,
    "distort.flip_left_right": True,
    "distort.random_crop": 10.0,
    "distort.random_scale": 10.0,
    "distort.random_brightness": 10.0,
    "aug.factor": 6,
    "aug.seed": 2,
    "aug.policy": [{"transform": "HorizontalFlip"}],
    "backbone.name": "MobileNetV2",
    "backbone.arguments": {"alpha": 0.75},
    "backbone.weights": "other.weights.h5",
    "backbone.layer": "conv_pw_11_relu",
    "backbone.input_size": 128,
    "backbone.engine": "openvino",
    "encoders.candidates": [{"weights": "mini.weights.h5"}],
    "final.head": "baseline",
    "final.with_test": True,
    "predict.accept": 0.99,
    "predict.method": "mahalanobis",
    "gate.accuracy": 0.9,
    "gate.per_class": 0.8,
    "gate.action": "warn",
    "card.title": "Leaves",
    "card.about": "Of trees.",
    "card.licence": "cc0-1.0",
    "backbone.preprocessing": {"resize": "crop"},
    "backbone.output": "pooler_output",
    "backbone.pooling": "mean",
    "backbone.precision": "float32",
    "train.steps": 100,
    "train.batch_size": 10,
    "train.optimizer": "sgd",
    "train.learning_rate": 0.1,
    "train.dropout": 0.5,
    "train.l1": 0.1,
    "train.l2": 0.1,
    "train.mixup": 0.2,
    "train.scaling": "standardise",
    "train.shrinkage": 0.5,
    "train.class_balanced": False,
    "train.keep": "last",
    "train.seed": 2,
}
PINS = YAML(typ="safe").load((PROJECT / stage_list.PINS).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A workspace with the project's own code, two raw folders, and two files of weights."""
    workspace = tmp_path_factory.mktemp("plan") / "workspace"
    shutil.copytree(PROJECT / "workflow", workspace / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "pairs.csv", "corrections.csv", "ledger.csv"):
        shutil.copy(PROJECT / name, workspace)
    (workspace / "params.yaml").write_text("raw: raw\n")
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
    assert "test" not in stage_list.tracked(PROJECT)
    for name, planned in first.items():
        assert planned["stage"] == name
        assert all(FLOW.index(above) < FLOW.index(name) for above in planned["inputs"])
        assert planned["inputs"] == {above: receipt.plan_hash(first[above]) for above in planned["inputs"]}


def test_raw_images_are_listed_once_for_all_stages_that_read_them(project, values, first, monkeypatch):
    listed = []
    digest = raw_files.raw_digest
    monkeypatch.setattr(raw_files, "raw_digest", lambda path: listed.append(path) or digest(path))
    plans = plan.all_plans(values, project)
    assert listed == [project / "raw"]
    assert plans["preview"]["raw"] == plans["convert"]["raw"]
    again = plan.all_plans(values, project, {name: plans[name] for name in ("convert", "group")})
    assert again["split"] == plans["split"]
    assert len(listed) == 1


def test_a_flow_that_shares_stages_is_not_cross_validated(project, values, first):
    shared = {name: first[name] for name in ("convert", "group")}
    plans = plan.all_plans(values, project, shared)
    assert first.keys() - plans.keys() == {"cross_validation", "budget", "encoders", "final", "gate", "export"}
    assert plans["metrics"]["inputs"].keys() == first["metrics"]["inputs"].keys() - {"cross_validation"}
    unlike = {name for name in plans if plans[name] != first[name]}
    assert unlike == {"metrics", "report"}


def test_plans_are_the_same_wherever_the_workspace_lies(workspace, values, first):
    assert plan.all_plans(values, workspace) == first
    assert json.loads(json.dumps(first)) == first


def test_every_key_has_another_value(values):
    keys = {f"{key}.{inner}" for key, value in values.items() if isinstance(value, dict) for inner in value}
    assert set(OTHERS) == keys | {"raw"}


def with_other(values: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the parameters with another value for a dotted key."""
    edited = copy.deepcopy(values)
    section, _, inner = key.partition(".")
    if inner:
        edited[section][inner] = OTHERS[key]
    else:
        edited[section] = OTHERS[key]
    return edited


@pytest.mark.parametrize("key", OTHERS)
def test_a_parameter_changes_the_stages_that_list_it_and_those_below(project, values, first, key):
    wanted, stages = {key, key.partition(".")[0]}, stage_list.stages(PROJECT)
    # Without the images of params.yaml go the corrections and the pairs that speak of them.
    pairs = {"convert", "group", "leaks", "cross_validation", "preview"} if key == "raw" else set()
    readers = [
        name
        for name in FLOW
        if name in pairs or any(each in wanted for each in stages[name].get("params", []) if isinstance(each, str))
    ]
    after = plan.all_plans(with_other(values, key), project)
    assert own(first, after) == readers
    assert changed(first, after) == below(readers, first)


def test_the_stages_below_each_stage_are_those_of_the_drawing(first):
    # preview reads the raw images themselves.
    assert below(["convert"], first) == [each for each in FLOW if each != "preview"]
    assert below(["augment"], first) == FROM_AUGMENT
    assert below(["bottlenecks_original"], first) == [
        "bottlenecks_original",
        *TRAININGS,
        "leaks",
        "cross_validation",
        "metrics",
        "report",
        "test",
        "label_safety",
        "budget",
        "encoders",
        "final",
        "gate",
        "distorted",
        "export",
    ]
    from_leaks = ["leaks", "metrics", "report", "test"]
    assert below(["bottlenecks_test"], first) == [
        "bottlenecks_test",
        *from_leaks,
        "final",
        "gate",
        "distorted",
        "export",
    ]
    assert below(["train_baseline"], first) == ["train_baseline", *from_leaks, "label_safety", "distorted"]
    assert below(["leaks"], first) == [*from_leaks, "distorted"]
    assert below(["cross_validation"], first) == [
        "cross_validation",
        "metrics",
        "report",
        "budget",
        "encoders",
        "final",
        "gate",
        "export",
    ]
    assert below(["metrics"], first) == ["metrics", "report"]
    assert below(["report"], first) == ["report"]
    for last in ("label_safety", "budget", "encoders", "distorted", "export"):
        assert below([last], first) == [last]
    assert below(["gate"], first) == ["gate", "export"]


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
    assert sources.code_digest(edited) == sources.code_digest(SOURCE)


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
    assert sources.code_digest(edited) != sources.code_digest(SOURCE)


def test_every_module_of_the_package_survives_a_new_comment_and_not_a_new_constant():
    modules = sorted((PROJECT / "workflow/huskies").rglob("*.py"))
    assert len(modules) > 90
    for path in modules:
        source = path.read_text(encoding="utf-8")
        ast.parse(source)
        assert sources.code_digest(f"{source}\n# a remark\n") == sources.code_digest(source), path.name
        assert sources.code_digest(f"{source}\n_ONE_MORE = 1\n") != sources.code_digest(source), path.name


@pytest.mark.parametrize(
    ("module", "readers"),
    [
        ("images.raw", ["convert", "preview"]),
        (
            "images.codec",
            OF_PIXELS,
        ),
        ("steps.group", ["group"]),
        ("images.groups", ["group", "leaks", "cross_validation", "preview"]),
        (
            "augmentation.policy",
            ["augment", "cross_validation", "report", "label_safety", "budget", "encoders", "final", "preview"],
        ),
        (
            "backbone.store",
            ["group", *BOTTLENECKS, "leaks", "cross_validation", "label_safety", "budget", "encoders", "final"],
        ),
        ("near_duplicates.comparison", ["group", "leaks", "cross_validation", "report"]),
        ("near_duplicates.descriptor", ["group"]),
        (
            "statistics.intervals",
            [
                "cross_validation",
                "metrics",
                "report",
                "test",
                "label_safety",
                "budget",
                "encoders",
                "final",
                "gate",
                "preview",
                "export",
            ],
        ),
        ("steps.metrics", ["metrics"]),
        ("steps.report", ["report"]),
        ("errors", FLOW),
        ("planning.runner", []),
        ("planning.plan", []),
        ("planning.record", []),
    ],
)
def test_an_edited_module_changes_the_stages_that_use_it_and_those_below(workspace, values, first, module, readers):
    path = workspace / stage_list.PACKAGE / imports.path_of(module)
    path.write_text(path.read_text(encoding="utf-8") + "\n# only a remark\n", encoding="utf-8")
    assert changed(first, plan.all_plans(values, workspace)) == []
    path.write_text(path.read_text(encoding="utf-8") + "\n_ONE_MORE = 1\n", encoding="utf-8")
    after = plan.all_plans(values, workspace)
    assert own(first, after) == [name for name in FLOW if name in readers]
    assert changed(first, after) == below(readers, first)


@pytest.mark.parametrize("library", PINS)
def test_a_pin_changes_the_stages_whose_bytes_it_shapes_and_those_below(workspace, values, first, library):
    readers = [name for name in FLOW if library in first[name]["libraries"]]
    assert readers
    pins = {**PINS, library: "99.0"}
    with open(workspace / stage_list.PINS, "w", encoding="utf-8") as file:
        YAML().dump(pins, file)
    after = plan.all_plans(values, workspace)
    assert own(first, after) == readers
    assert changed(first, after) == below(readers, first)


def test_a_library_shapes_what_imports_it_and_nothing_else(first):
    shaped = {library: {name for name in FLOW if library in first[name]["libraries"]} for library in PINS}
    assert shaped["matplotlib"] == {"report", "budget", "encoders", "final"}
    assert shaped["jinja2"] == {"report", "budget", "encoders", "preview", "export"}
    of_contest = {"label_safety", "budget", "encoders", "final", "distorted", "export"}
    assert shaped["openvino"] == {"group", *BOTTLENECKS, "cross_validation", *of_contest}
    assert shaped["pandas"] == set(FLOW) - {"gate"}


def test_pairs_of_the_user_count_for_the_images_of_params_yaml_alone(workspace, values, first):
    (workspace / "pairs.csv").write_text("a.png,b.png,same\n")
    assert own(first, plan.all_plans(values, workspace)) == ["group", "leaks", "cross_validation"]
    assert list(first["leaks"]["files"]) == ["pairs.csv"]
    elsewhere = plan.all_plans({**values, "raw": "elsewhere"}, workspace)
    assert "pairs.csv" not in {path for each in elsewhere.values() for path in each["files"]}


def test_other_weights_under_the_same_name_change_the_bottlenecks_and_the_groups(workspace, values, first):
    (workspace / "backbones/mini.weights.h5").write_text("MINI")
    after = plan.all_plans(values, workspace)
    assert own(first, after) == ["group", *OF_BACKBONE]
    assert list(after["bottlenecks_test"]["files"]) == ["backbones/mini.weights.h5"]


def test_other_images_change_everything(workspace, values, first):
    (workspace / "raw/cat/2.png").write_bytes(b"one more")
    after = plan.all_plans(values, workspace)
    assert own(first, after) == ["convert", "preview"]
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


def test_what_the_page_is_made_of_counts_by_its_bytes(workspace, values, first):
    for path, pages in {
        "workflow/huskies/exports/pixels.js": ["export"],
        "workflow/huskies/steps/report.html": ["report", "export"],
        "workflow/huskies/page/page.css": ["report", "budget", "encoders", "preview", "export"],
    }.items():
        with open(workspace / path, "a", encoding="utf-8") as file:
            file.write("\n")
        after = plan.all_plans(values, workspace)
        assert changed(first, after) == pages
        assert after[pages[0]]["files"][path] != first[pages[0]]["files"][path]
    (workspace / "workflow/huskies/steps/report.html").unlink()
    with pytest.raises(HuskyError) as error:
        plan.all_plans(values, workspace)
    path = f"{workspace}/workflow/huskies/steps/report.html"
    assert str(error.value) == f"there is no file {path}. Get it back: git checkout {path}"


def test_a_plan_holds_only_the_parameters_that_its_stage_lists(first, values):
    assert first["group"]["params"] == {"group": values["group"]}
    assert first["split"]["params"] == {"split": values["split"]}
    assert first["augment"]["params"] == {"aug": values["aug"], "convert": {"quality": 95}}
    assert first["metrics"]["params"] == {"train": {"keep": "best"}}
    assert first["convert"]["params"] == {"raw": "raw", "convert": values["convert"]}
    assert [name for name in FLOW if first[name]["raw"]] == ["convert", "preview"]


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
    # As Snakemake does when it is started again.
    plan.publish(first)
    assert plan.fetch(digest) == first["split"]


def test_values_are_found_by_dotted_keys(values):
    assert params.lookup(values, "raw") == "raw"
    assert params.lookup(values, "backbone.arguments.alpha") == 0.5


def listed(pieces: str) -> list[str]:
    """Return what is listed with two blanks or more between the pieces, since code has single ones."""
    return re.split(r"\s{2,}|\n", pieces.strip())


# Python as it is written: no piece means the same as another.
VALUES = """
None  0  False  ''  []  ()  {}  ...  0.0  0j  b''  -0  1  True  1.0  '1'  b'1'  1j  'None'  '[]'  [None]  [[]]
'{y}'  f'{y}'  f'{y!r}'  f'{y!s}'  f'{y:3}'  f'{y:{3}}'  f'{y=}'  f''  f'{y}{z}'  f'{z}{y}'  f'{y} {z}'
f'{y}' + f'{z}'  f'{{y}}'  str(y)  a[:]  a[None:]  a[:None]  a[::None]  a[None]  a[:, None]  a[()]
{**a}  {None: a}  {*a}  [*a]  [a]  (a,)  a  f(a)  f(*a)  f(**a)  f(a, b)  f(b, a)  f(a, b=b)  f(a=a, b=b)
f(b=b, a=a)  f(a)(b)  f[a]  a + b  b + a  a - b  a and b  a or b  a < b  a <= b  a < b < c  (a < b) < c
a < (b < c)  a is b  a is not b  not (a is b)  a.b  a.c  [i for i in a]  {i for i in a}  (i for i in a)
[i for i in a if i]  b if a else c  c if a else b  (x := 1)  lambda: 0  lambda: None  lambda a: 0  lambda a=None: 0
"""
SIGNATURES = """
a  a=None  a=[]  a=0  a=False  *a  **a  *, a  a, /  *, a=None  *, a=None, b  *, a, b=None  *, b=None, a  a, b
b, a  a, b=None  a=None, b=None  a, *, b  a, /, b  a, b, /  a: int  a: None  *a, b  *a: int  **a: int
"""
BODIES = """
return  return None  return 0  yield  yield None  yield from a  raise  raise a  raise a from b  raise a from None
global a  ...  pass
"""
PATTERNS = """
None  False  0  _  c  []  [c]  [*c]  [*_]  {}  C()  C(d)  C(d=d)  1 | 2  2 | 1  c if c  {1: c}  {**c}  (1 as c)
"""
LINES = """
x = y = 1  x, y = 1  [x] = 1  x: int  x: int = None  x: 'int' = None  (x): int  x += 1  x -= 1  class A: pass
class A(B): pass  class A(metaclass=B): pass  async def f(): pass  def g(): pass  def f() -> None: pass  f = a
assert a  assert a, None  assert a, b  del a  del a, b  del (a, b)  pass  import a  import b  import a as b
import a, b  import b, a  import a.b  from a import b  from a import b as c  from . import a  from .. import a
from .a import b  from a import *  if a: b  if not a: b  while a: b  for a in b: c  with a: b  with a as b: c
with a, b: c
"""
DISTINCT = [
    *(f"x = {value}" for value in listed(VALUES)),
    *(f"def f({signature}): return 1" for signature in ("", *listed(SIGNATURES))),
    *(f"def f():\n    {body}" for body in listed(BODIES)),
    *(f"match a:\n    case {pattern}: b" for pattern in listed(PATTERNS)),
    *(f"{decorators}\ndef f(): 1" for decorators in ("@a", "@b", "@a()", "@a(None)", "@a\n@b", "@b\n@a")),
    *(f"if a: b\n{other}" for other in ("else: c", "elif c: d", "b", "c")),
    *(f"for a in b: c\n{other}" for other in ("else: d", "d")),
    *(f"try: a\n{other}" for other in ("finally: b", "except: b", "except E: b", "except E as e: b", "except* E: b")),
    *(f"try: a\nexcept E: b\n{other}" for other in ("else: c", "finally: c", "except F: b", "c")),
    *listed(LINES),
]


def test_two_different_pieces_of_code_never_have_the_same_digest():
    pieces: dict[str, list[str]] = {}
    for source in DISTINCT:
        pieces.setdefault(sources.code_digest(source), []).append(source)
    assert [alike for alike in pieces.values() if len(alike) > 1] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 'a' 'b'", "x = 'ab'"),
        ("x = '\\u00e9'", "x = 'é'"),
        ("x = 0x10", "x = 16"),
        ("x = 1_000", "x = 1000"),
        ("x = a[::]", "x = a[:]"),
        ("x = (a, b)", "x = a, b,"),
        ("x = r'a'", "x = 'a'"),
        ("x = f'a' 'b'", "x = f'ab'"),
        ("if a: b\nelif c: d", "if a: b\nelse:\n    if c: d"),
        ("x = 1; y = 2", "x = 1\ny = 2"),
        ("class A:\n\tdef f(self):\n\t\treturn 1", "class A:\n  'Text.'\n  def f(self): 'Text.'; return (1)"),
        ("# -*- coding: utf-8 -*-\nx = a + \\\n    b", "x = a + b"),
    ],
)
def test_two_ways_to_write_the_same_code_have_the_same_digest(one, other):
    assert sources.code_digest(one) == sources.code_digest(other)


def nodes_with_lists(tree: ast.AST) -> list[tuple[ast.AST, str]]:
    """Return every (node, field) that is a list of at least one node."""
    return [
        (node, name)
        for node in ast.walk(tree)
        for name, value in ast.iter_fields(node)
        if isinstance(value, list) and value and isinstance(value[0], ast.AST | None)
    ]


def mutate(tree: ast.Module, draw: Any) -> None:
    """Change one thing in a tree: a constant, a name, or the order, number or presence of what is listed."""
    kind = draw(st.sampled_from(["constant", "name", "argument", "swap", "remove", "repeat"]))
    if kind == "constant":
        node = draw(st.sampled_from([each for each in ast.walk(tree) if isinstance(each, ast.Constant)]))
        node.value = draw(st.sampled_from([None, False, True, 0, 1, 0.0, 1.5, "", "x", b"", b"x", ..., 2j, 10**30]))
    elif kind == "name":
        node = draw(st.sampled_from([each for each in ast.walk(tree) if isinstance(each, ast.Name)]))
        node.id = draw(st.sampled_from(["other", "self", "Path", "_"]))
    elif kind == "argument":
        node = draw(st.sampled_from([each for each in ast.walk(tree) if isinstance(each, ast.arguments)]))
        moved = [*node.posonlyargs, *node.args, *node.kwonlyargs]
        node.defaults, node.kw_defaults = [], [None] * len(moved)
        node.posonlyargs, node.args, node.kwonlyargs = [], [], moved
    else:
        node, name = draw(st.sampled_from(nodes_with_lists(tree)))
        listed = getattr(node, name)
        one, other = (draw(st.integers(0, len(listed) - 1)) for _ in "12")
        if kind == "swap":
            listed[one], listed[other] = listed[other], listed[one]
        elif kind == "remove":
            del listed[one]
        else:
            listed.insert(one, listed[other])


def without_docstrings(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def has_bare_text(tree: ast.AST) -> bool:
    """Tell whether something in it is, or could become, a docstring."""
    return any(isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) for each in ast.walk(tree))


@hypothesis.settings(max_examples=300, suppress_health_check=[hypothesis.HealthCheck.filter_too_much])
@hypothesis.given(st.data())
def test_a_changed_module_has_another_digest_exactly_if_python_reads_it_as_other_code(data):
    name = data.draw(
        st.sampled_from(
            [
                "errors",
                "steps.group",
                "statistics.intervals",
                "images.naming",
                "receipt",
                "steps.split",
                "backbone.store",
            ]
        )
    )
    source = (PROJECT / stage_list.PACKAGE / imports.path_of(name)).read_text(encoding="utf-8")
    before = without_docstrings(source)
    assert sources.code_digest(before) == sources.code_digest(source)
    tree = ast.parse(before)
    mutate(tree, data.draw)
    try:
        after = ast.unparse(ast.fix_missing_locations(tree))
        read = ast.parse(after)
    except (SyntaxError, ValueError, AttributeError, IndexError, TypeError):
        hypothesis.reject()  # What is left of the tree cannot be written as Python.
    hypothesis.assume(not has_bare_text(read))
    same = ast.dump(read) == ast.dump(ast.parse(before))
    assert (sources.code_digest(after) == sources.code_digest(before)) is same


# One of everything that Python 3.11 can say, so that a version that reads any of it in another way shows.
EVERYTHING = '''"""A module."""

from __future__ import annotations

import os as system, sys
from . import sibling
from ..parent import *

X: int = 0
Y: str
EMPTY = (None, False, 0, 0.0, "", b"", [], {}, (), ..., -1, 2j, 1e400, 10**30, "é\\u1234\\N{BULLET}", u"old", r"\\d")


@decorate
@decorate(None, *many, key=[], **more)
class Thing(Base, metaclass=Meta):
    """A class."""

    def method(self, one, /, two=None, *rest, three, four=[], **others) -> None:
        """A method."""
        global X
        return f"{one!r:>{two}} {three=} {{}} {four:%Y-%m-%d} " "and" f" {others['x']:,} {'nested'}"


async def wait(*, first, second=lambda *a, b=1, **c: (yield)):
    """Only a docstring."""
    async with first as (a, [b, *c]), second:
        async for each in a:
            await each
        else:
            return [x async for x in b if x if not x]


def control(a, b):
    nonlocal_ = (c := a) if a and (b or not a) else {**a, "b": b, None: 1}
    for i, (j, *k) in enumerate(a[1:2, ::None, ...]):
        while i < j <= k != a is not b not in nonlocal_:
            i **= 2
            del a[i], b.c
            if i:
                continue
            elif j:
                break
            else:
                pass
    try:
        raise ValueError from None
    except* (OSError, KeyError) as error:
        assert error, f"{error}"
    finally:
        yield from {x: y for x in a for y in b}
    try:
        raise
    except ValueError:
        return
    except:
        return None
    else:
        print({1, *a}, a @ b, ~a, +b, a // b % a << b >> a | b ^ a & b, file=None)
    match a:
        case {"x": [1, *_], **rest} | Thing(1, y=-2.5 + 1j) as whole if whole:
            pass
        case None | True | "text" | b.c | (_, _):
            pass
'''


def test_the_digest_of_code_is_the_same_on_every_machine_and_with_every_version_of_python():
    assert sources.code_digest(EVERYTHING) == "e403df015dae3955ed74320fbd0bc69ddd62338504a90b5c4703a20ccbd493a8"
    assert sources.code_digest("") == "ad2e13b69c4fc1fda46413f740f426fc1793cfc6d6da8d226ba619f1aef48be7"


PROVENANCE = {
    "convert": {"raw", "code"},
    "group": {"raw", "code"},
    "augment": {"raw", "code", "split", "policy"},
    "bottlenecks_original": {"raw", "code", "split", "backbone"},
    "train_baseline": {"raw", "code", "split", "backbone"},
    "train_augmented": {"raw", "code", "split", "policy", "backbone"},
    "leaks": {"raw", "code", "split", "policy", "backbone"},
    "cross_validation": {"raw", "code", "split", "policy", "backbone"},
    "metrics": {"raw", "code", "split", "policy", "backbone"},
    "report": {"raw", "code", "split", "policy", "backbone"},
    "test": {"raw", "code", "split", "policy", "backbone"},
    "label_safety": {"raw", "code", "split", "backbone"},
    "budget": {"raw", "code", "split", "policy", "backbone"},
    "encoders": {"raw", "code", "split", "policy", "backbone"},
    "final": {"raw", "code", "split", "policy", "backbone"},
    "gate": {"raw", "code", "split", "policy", "backbone"},
    "preview": {"raw", "code"},
    "distorted": {"raw", "code", "split", "policy", "backbone"},
    "export": {"raw", "code", "split", "policy", "backbone"},
}


def sources_changed(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]], name: str) -> set[str]:
    """Return what a stage says to come from another of."""
    one, other = before[name]["provenance"], after[name]["provenance"]
    assert one.keys() == other.keys()
    return {key for key in one if one[key] != other[key]}


@pytest.mark.parametrize("name", PROVENANCE)
def test_a_stage_says_where_it_comes_from_and_nothing_of_what_it_does_not_read(first, name):
    assert first[name]["provenance"].keys() == PROVENANCE[name]


def test_a_digest_of_the_raw_images_that_is_known_is_taken(project, values, first, monkeypatch):
    monkeypatch.setattr(plan.raw_files, "raw_digest", lambda raw: pytest.fail("looked at again"))
    assert plan.all_plans(values, project, raw=first["convert"]["raw"]) == first


def test_the_split_that_a_number_comes_from_is_the_receipt_in_its_folder(first):
    named = {name: each["provenance"]["split"] for name, each in first.items() if "split" in PROVENANCE.get(name, ())}
    assert len(named) > 5
    assert set(named.values()) == {receipt.plan_hash(first["split"])}


def test_all_stages_agree_on_the_images_the_split_the_policy_and_the_backbone(first):
    for key in ("raw", "split", "policy", "backbone"):
        assert len({first[name]["provenance"][key] for name, keys in PROVENANCE.items() if key in keys}) == 1


@pytest.mark.parametrize("key", OTHERS)
def test_a_parameter_changes_the_origin_that_it_belongs_to(project, values, first, key):
    section = key.partition(".")[0]
    after = plan.all_plans(with_other(values, key), project)
    # What is under another seed, or of other images, is another split. How heads are trained has no digest.
    expected = {
        "raw": {"raw", "split"},
        "convert": {"split"},
        "group": {"split"},
        "split": {"split"},
        "noise": set(),
        "article": set(),
        "run": set(),
        "distort": set(),
        "aug": {"policy"},
        "backbone": {"backbone"},
        "train": set(),
        "leaks": set(),
        "cross_validation": set(),
        "encoders": set(),
        "final": set(),
        "predict": set(),
        "gate": set(),
        "card": set(),
    }
    for name in ("metrics", "test", "leaks", "train_augmented"):
        assert sources_changed(first, after, name) == expected[section]
    assert sources_changed(first, after, "train_baseline") == expected[section] - {"policy"}


@pytest.mark.parametrize(
    ("module", "where"),
    [
        ("steps.convert", FLOW),
        ("augmentation.policy", [each for each in FLOW if each in {*FROM_AUGMENT, "label_safety", "preview"}]),
        ("steps.group", [each for each in FLOW[1:] if each != "preview"]),
        ("steps.leaks", ["leaks", "metrics", "report", "test", "distorted"]),
        ("steps.metrics", ["metrics", "report"]),
        ("steps.report", ["report"]),
        ("steps.test", ["test"]),
        ("planning.runner", []),
    ],
)
def test_edited_code_is_another_origin_of_what_it_makes_and_not_of_what_lies_beside_or_above(
    workspace, values, first, module, where
):
    path = workspace / stage_list.PACKAGE / imports.path_of(module)
    path.write_text(path.read_text(encoding="utf-8") + "\n_ONE_MORE = 1\n", encoding="utf-8")
    after = plan.all_plans(values, workspace)
    assert [name for name in FLOW if "code" in sources_changed(first, after, name)] == where
    others = {"split"} if module in ("steps.convert", "steps.group") else set()
    assert sources_changed(first, after, "metrics") - {"code"} == others


def test_other_weights_under_the_same_name_are_another_backbone(workspace, values):
    values = {**values, "backbone": {**values["backbone"], "weights": "other.weights.h5"}}
    before = plan.all_plans(values, workspace)
    (workspace / "backbones/other.weights.h5").write_text("OTHER")
    after = plan.all_plans(values, workspace)
    assert sources_changed(before, after, "metrics") == {"backbone"}
    assert sources_changed(before, after, "augment") == set()


@pytest.mark.parametrize(("library", "where"), [("tensorflow", {"backbone", "split"}), ("albumentations", set())])
def test_another_version_of_a_library_of_the_backbone_changes_backbone_and_split(
    workspace, values, first, library, where
):
    pins = workspace / "workflow/pins.yaml"
    lines = pins.read_text(encoding="utf-8").splitlines()
    pins.write_text("\n".join(f"{library}: 99.0" if each.startswith(f"{library}:") else each for each in lines) + "\n")
    assert sources_changed(first, plan.all_plans(values, workspace), "metrics") == where


def test_absent_images_are_an_origin_too(workspace, values):
    shutil.rmtree(workspace / "raw")
    after = plan.all_plans(values, workspace)
    assert {each["provenance"]["raw"] for each in after.values()} == {"absent"}
