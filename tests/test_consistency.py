"""One name per step, one list of what each depends on, and one set of versions."""

import ast
import itertools
import re
import tomllib
from pathlib import Path
from typing import Any

import picture
import pytest
from conftest import PROJECT
from huskies import imports
from huskies.backbone import int8, keras_hub_preset
from huskies.images import attempts
from huskies.planning import packs, plan, stage_list
from huskies.steps import augment
from ruamel.yaml import YAML

PACKAGE = PROJECT / stage_list.PACKAGE
STAGES = stage_list.stages(PROJECT)
CONTROLS = stage_list.controls(PROJECT)
EVERY = STAGES | CONTROLS
PARAMS = YAML(typ="safe").load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
PINS = YAML(typ="safe").load((PROJECT / stage_list.PINS).read_text(encoding="utf-8"))

# Imported, and without an influence on the bytes of any stage.
SHAPES_NOTHING = {"dvc", "platformdirs", "ruamel.yaml", "tqdm"}
# Shape bytes for whoever asks for int8, or for a preset of KerasHub, whose code has their version.
EXTRAS = {"nncf", "keras-hub"}
CODE = imports.Package(PACKAGE)


def name_of(stage: str) -> str:
    """Return the name of a stage's module without its room, which is that of its file of rules."""
    return stage_list.module_of(stage, CODE).rpartition(".")[2]


def source_of(stage: str) -> str:
    """Return the source of a stage's module."""
    return (PACKAGE / imports.path_of(stage_list.module_of(stage, CODE))).read_text(encoding="utf-8")


def included(path: Path) -> list[Path]:
    """Return the files that a file of rules includes, and those that they include, in their order."""
    names = re.findall(r'^include: "(.+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    return [each for name in names for each in (path.parent / name, *included(path.parent / name))]


def rules() -> dict[str, tuple[Path, str]]:
    """Return (file, text) of every rule, by name, in the order in which the Snakefile includes the files."""
    found = {}
    for path in included(PROJECT / "Snakefile"):
        _, *parts = re.split(r"^rule (\w+):\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            assert name not in found
            found[name] = path, text
    return found


RULES = rules()
# By these words people ask for flows with other parameters, whose rules are those of workflow/other_flows.smk.
FAMILIES = ["noise", "leakage", "experiments", "article", "sweep"]
# Whoever asks for these is told what has taken their place.
REPLACED = ["repeats"]


def listed_params(stage: dict[str, Any]) -> list[str]:
    return [key for key in stage.get("params", []) if isinstance(key, str)]


def listed_libraries(stage: dict[str, Any]) -> list[str]:
    return [name for each in stage["params"] if isinstance(each, dict) for name in each[stage_list.PINS]]


def test_rules_and_stages_have_the_same_names_in_the_same_order():
    # audit, check and luck make nothing, publish makes copies for Snakemake's report, and what TensorBoard shows is
    # never the same bytes, so they are no stages.
    assert list(RULES) == [*STAGES, "audit", "check", "luck", "tensorboard", "publish", *FAMILIES, *REPLACED]


def test_every_file_of_rules_is_part_of_the_flow():
    files = {path.name for path in (PROJECT / "workflow/rules").glob("*.smk")}
    assert files == {path.name for name, (path, _) in RULES.items() if name not in FAMILIES + REPLACED} | {
        "common.smk",
        "packs.smk",
        "shards.smk",
    }


def test_what_is_there_for_buckets_alone_is_no_part_of_the_flow_without_one():
    text = (PROJECT / "workflow/rules/packs.smk").read_text(encoding="utf-8")
    assert re.findall(r"^rule (\w+):", text, re.MULTILINE) == ["send_plan", "send_weights", "ready_backbone", "collect"]
    assert 'if shared:\n\n    include: "workflow/rules/packs.smk"\n' in (PROJECT / "Snakefile").read_text(
        encoding="utf-8"
    )
    [at_home] = re.findall(r"^localrules:\n((?:    \w+,\n)+)", text, re.MULTILINE)
    makes_nothing = ["audit", "check", "luck", "tensorboard", "publish"]
    assert re.findall(r"\w+", at_home) == [*packs.AT_HOME, *makes_nothing]
    reads_what_stays = {stage for stage in STAGES if "${raw}" in STAGES[stage]["deps"]} | {"test"}
    assert reads_what_stays <= {*packs.AT_HOME}


def test_every_control_has_a_rule_in_the_other_flows():
    texts = [path.read_text(encoding="utf-8") for path in included(PROJECT / "workflow/other_flows.smk")]
    named = re.findall(r"^rule (\w+):", "\n".join(texts), re.MULTILINE)
    assert named == [*plan_names(), "report", "label_safety", "distorted", *CONTROLS]
    for name in CONTROLS:
        [text] = [
            each for text in texts for each in re.split(r"^(?=rule )", text, flags=re.M) if f"rule {name}:" in each
        ]
        assert f'    input:\n        gathered("{name}"),\n' in text
        assert f'"python -m huskies {name} --receipt {{output:q}} --inputs {{input:q}} --log {{log:q}}' in text
        assert f'receipt("{name}")' in text or f'"data/{name}/receipt-{{hash}}.json"' in text


def plan_names() -> list[str]:
    """Return the stages of the flow from raw images to numbers."""
    return [stage for stage in stage_list.tracked(PROJECT) if stage != "report"]


def test_the_flow_is_what_dvc_knows():
    flow = {path.stem for path in included(PROJECT / "workflow/flow.smk")} - {"common"}
    # The controls run the flow up to the numbers, and need no page of their own; settings of the user's have one.
    assert {*flow, "report"} == {name_of(stage) for stage in stage_list.tracked(PROJECT)}
    assert "report" not in flow


# What a rule takes for itself, and what it tells its stage: all cores either way.
CORES = {
    "cores.all": " --cores {threads}",
    "cores.half": " --cores {params.cores}",
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_rule_reads_writes_logs_and_calls_what_its_name_says(stage):
    path, text = RULES[stage]
    assert path.stem == name_of(stage)
    assert re.match(r'    """[A-Z].+\."""\n', text)
    raw = ["raw=made_raw()"] if "${raw}" in STAGES[stage]["deps"] else []
    inputs = [*raw, *(f'{above}=made("{above}")' for above in stage_list.upstream(STAGES[stage]))]
    inputs += [f'shards=shards("{stage}")'] if stage in plan.SHARDED else []
    inputs += [] if stage in packs.AT_HOME else [f'sent=sent("{stage}")']
    lines = "".join(f"        {each},\n" for each in inputs)
    assert f"    input:\n{lines}    output:\n" in text
    assert f'output:\n        receipt("{stage}"),\n' in text
    assert f'log:\n        log_of("{stage}"),\n' in text
    cores = next((cores for taken, cores in CORES.items() if f"threads: {taken}\n" in text), "")
    assert f'"python -m huskies {stage} --receipt {{output:q}} --inputs {{input:q}} --log {{log:q}}{cores}"' in text
    assert f'resources:\n        **asked("{stage}"),\n' in text
    options = [each for each in re.findall(r"^    (\w+):", text, re.MULTILINE) if each != "priority"]
    assert options == [
        "input",
        "output",
        "log",
        "conda",
        *(["threads"] if cores else []),
        "resources",
        *(["params"] if "params" in cores else []),
        "shell",
    ]


def test_what_shards_take_over_depends_on_all_parameters_but_one_that_is_of_all_images():
    named = {section: {f"{section}.{key}" for key in PARAMS[section]} for section in ("convert", "aug")}
    assert named["convert"] == {*attempts.SHAPING, "convert.max_rejected"}
    assert named["aug"] | {"convert.quality"} == {*augment.SHAPING}
    assert set(listed_params(STAGES["augment"])) == {"aug", "convert.quality"}


@pytest.mark.parametrize("stage", plan.SHARDED)
def test_a_shard_reads_what_its_stage_reads_and_is_told_which_it_is(stage):
    text = (PROJECT / "workflow/rules/shards.smk").read_text(encoding="utf-8")
    [rule] = re.findall(
        rf"^use rule {stage} as {stage}_shard with:\n(.*?)(?=\n\n\nuse|\Z)", text, re.DOTALL | re.MULTILINE
    )
    raw = ["raw=made_raw()"] if "${raw}" in STAGES[stage]["deps"] else []
    inputs = [*raw, *(f'{above}=made("{above}")' for above in stage_list.upstream(STAGES[stage]))]
    inputs += [] if stage in packs.AT_HOME else [f'sent=sent_to_shard("{stage}")']
    lines = "".join(f"        {each},\n" for each in inputs)
    assert rule.startswith(f'    input:\n{lines}    output:\n        shard("{stage}"),\n')
    assert f'**asked("{stage}", flow.params["run"]["shards"])' in rule


def test_the_drawing_at_the_head_of_the_snakefile_is_the_flow():
    docstring = ast.get_docstring(ast.parse((PROJECT / "Snakefile").read_text(encoding="utf-8").split("\nimport ")[0]))
    chains = [line.strip().split(" → ") for line in docstring.splitlines() if " → " in line]
    drawn = {pair for chain in chains for pair in itertools.pairwise(chain)}
    shown = {**stage_list.tracked(PROJECT), "test": STAGES["test"]}
    arrows = {(above, stage) for stage, described in shown.items() for above in stage_list.upstream(described)}
    assert drawn == {("raw", "convert"), *picture.direct(arrows)}


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_of_rules_opens_with_its_purpose_and_what_it_reads_and_writes(stage):
    docstring = ast.get_docstring(ast.parse(RULES[stage][0].read_text(encoding="utf-8").split("\n\n\nrule ")[0]))
    purpose, _, rest = docstring.partition("\n\n")
    assert re.match(rf"{name_of(stage)}(_…)?: ", purpose)
    assert re.search(r"^Reads ", rest, re.MULTILINE)
    assert re.search(rf"^Writes data/{name_of(stage)}(_…)?/", rest, re.MULTILINE)


# Declarations, and the command line, whose parts are tested by what they do: test_log.py, test_runner.py.
WITHOUT_A_TEST = {"outputs", "__main__"}


def test_every_module_has_a_test_of_its_name():
    modules = {path.stem for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"}
    tests = {path.stem.removeprefix("test_") for path in (PROJECT / "tests").glob("test_*.py")}
    assert modules - tests == WITHOUT_A_TEST


@pytest.mark.parametrize("stage", EVERY)
def test_a_stage_has_a_module_with_its_name_and_one_run(stage):
    tree = ast.parse(source_of(stage))
    assert re.search(rf"\b{stage}\b", ast.get_docstring(tree).partition("\n")[0])
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert [argument.arg for argument in functions["run"].args.args] == ["job"]


@pytest.mark.parametrize("stage", stage_list.tracked(PROJECT))
def test_dvc_runs_the_rule_of_the_stage_alone_and_keeps_its_folder(stage):
    described = STAGES[stage]
    assert described["cmd"] == f"PYTHONPATH=workflow:$PYTHONPATH huskies {stage}"
    assert described["outs"] == [f"data/{stage}"]


def test_the_test_set_is_out_of_reach_of_dvc():
    on_request = set(STAGES) - set(stage_list.tracked(PROJECT))
    assert "test" in on_request
    assert all(STAGES[stage].keys() <= {"deps", "params"} for stage in on_request)
    text = (PROJECT / "dvc.yaml").read_text(encoding="utf-8")
    assert "data/test/" not in text
    assert not any("data/test" in stage["deps"] for stage in STAGES.values())


@pytest.mark.parametrize("stage", STAGES)
def test_data_come_from_stages_that_stand_before(stage):
    before = list(STAGES)[: list(STAGES).index(stage)]
    above = stage_list.upstream(STAGES[stage])
    assert above == [name for name in before if name in above]
    others = [each for each in STAGES[stage]["deps"] if not each.startswith(("data/", stage_list.PACKAGE))]
    weights = ["backbones/${backbone.weights}"]
    seen = ["pairs.csv", "backbones/mini.weights.h5"]
    allowed = {"convert": ["${raw}", "corrections.csv"], "group": seen, "label_safety": weights}
    allowed |= {"leaks": ["pairs.csv"], "cross_validation": ["pairs.csv", *weights]}
    allowed |= {"budget": weights, "final": weights, "bottlenecks": [*weights, "backbones/presets.yaml"]}
    allowed |= {"encoders": [*weights, "backbones/${encoders.candidates.weights}"]}
    allowed |= {"preview": ["${raw}", "corrections.csv"], "distorted": weights, "export": ["ledger.csv"]}
    assert others == allowed.get(name_of(stage), [])


@pytest.mark.parametrize("stage", STAGES)
def test_a_module_reads_the_folders_that_its_stage_lists_and_no_others(stage):
    source = source_of(stage)
    read = set(re.findall(r'\binputs\["(\w+)"\]', source))
    of_the_module = [name for name in STAGES if name_of(name) == name_of(stage)]
    listed = {name for each in of_the_module for name in stage_list.upstream(STAGES[each])}
    chosen_by_name = re.search(r"\binputs(\[[^\"]|\))", source)
    assert read <= listed if chosen_by_name else read == listed


def above(stage: str) -> set[str]:
    """Return the stages above one, directly or through others."""
    direct = stage_list.upstream(STAGES[stage])
    return set(direct).union(*(above(each) for each in direct))


def counted_at(stage: str) -> set[str]:
    """Return the code and the libraries of a stage, as dvc.yaml names them."""
    return {*plan.code(stage, CODE), *plan.libraries(stage, CODE, PINS)}


@pytest.mark.parametrize("stage", stage_list.tracked(PROJECT))
def test_dvc_is_told_of_the_code_and_the_libraries_that_count_at_no_stage_above(stage):
    expected = sorted(counted_at(stage) - set().union(*map(counted_at, above(stage))))
    listed = [*stage_list.listed_code(STAGES[stage]), *listed_libraries(STAGES[stage])]
    assert sorted(listed) == expected, f"where {stage} stands, list these:\n{chr(10).join(expected)}"


def test_nobody_lists_code_or_libraries_of_stages_that_dvc_never_runs():
    listed = (PROJECT / stage_list.UNTRACKED).read_text(encoding="utf-8")
    assert not re.search(r"huskies/.*\.py$", listed, re.MULTILINE)
    assert stage_list.PINS not in listed


def test_the_report_lists_every_file_that_its_page_is_made_of():
    files = sorted(path for path in (PACKAGE / "page").iterdir() if path.suffix not in (".py", ""))
    files.append(PACKAGE / "steps/report.html")
    assert [
        PROJECT / each
        for each in STAGES["report"]["deps"]
        if each.startswith(stage_list.PACKAGE) and not each.endswith(".py")
    ] == files


@pytest.mark.parametrize("stage", EVERY)
def test_a_stage_lists_the_sections_that_its_module_reads(stage):
    source = source_of(stage)
    read = set(re.findall(r'\bjob\.params\["(\w+)"\]', source))
    assert {key.split(".")[0] for key in listed_params(EVERY[stage])} == read
    single = {key for key in listed_params(EVERY[stage]) if "." in key}
    assert single == {f"{section}.{key}" for section, key in re.findall(r'\bjob\.params\["(\w+)"\]\["(\w+)"\]', source)}


def test_every_section_serves_a_stage_and_every_listed_key_exists():
    listed = {key for stage in EVERY.values() for key in listed_params(stage)}
    # What the article's rows are made of decides which flows there are, and how work is shared out changes nothing.
    assert {key for key in listed if "." not in key} == set(PARAMS) - {"article", "run"}
    for key in listed:
        section, _, inner = key.partition(".")
        assert section in PARAMS
        assert not inner or inner in PARAMS[section]


def test_every_library_that_a_stage_imports_is_pinned_or_shapes_nothing():
    used = set().union(*(CODE.libraries(stage_list.module_of(stage, CODE)) for stage in EVERY))
    assert used - PINS.keys() == SHAPES_NOTHING | EXTRAS
    assert PINS.keys() - used == set().union(*plan.BROUGHT_ALONG.values()) - used


def test_pins_are_those_of_the_project_and_its_requirements():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = dict(each.split("==") for each in project["project"]["dependencies"] if "==" in each)
    locked = dict(
        re.findall(
            r"^([\w.-]+)==([^\s;]+)", (PROJECT / "requirements/workflow.txt").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    assert {library: declared.get(library) for library in PINS} == PINS
    assert {library: locked.get(library) for library in PINS} == PINS
    assert {library: locked.get(library) for library in declared} == declared


@pytest.mark.parametrize(
    ("extra", "library", "version", "brought"),
    [
        ("int8", "nncf", int8.NNCF, {"ninja", "safetensors"}),
        (
            "keras_hub",
            "keras-hub",
            keras_hub_preset.KERAS_HUB,
            {"kagglehub", "kagglesdk", "tensorflow-text", "regex", "sentencepiece", "tokenizers", "huggingface-hub"}
            | {"hf-xet", "httpx2", "httpx2-jsfetch", "httpcore2", "h11", "anyio", "truststore"},
        ),
    ],
)
def test_an_extra_has_the_version_that_the_code_asks_for_and_moves_no_other_pin(extra, library, version, brought):
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["optional-dependencies"][extra] == [f"{library}=={version}"]
    locked = {}
    for file in ("workflow", extra):
        text = (PROJECT / f"requirements/{file}.txt").read_text(encoding="utf-8")
        locked[file] = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))
    assert locked[extra][library] == version
    added = locked[extra].items() - locked["workflow"].items()
    assert {name for name, _ in added} == {library, *brought}


def test_the_snakemake_that_is_asked_for_is_the_one_that_is_pinned():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    [pinned] = [each.split("==")[1] for each in project["project"]["dependencies"] if each.startswith("snakemake==")]
    [wanted] = re.findall(r'min_version\("([\d.]+)"\)', (PROJECT / "Snakefile").read_text(encoding="utf-8"))
    assert pinned.split(".")[:2] == wanted.split(".")


def test_every_module_of_the_package_is_used():
    roots = {stage_list.module_of(stage, CODE) for stage in EVERY}
    # What the Snakefile and files of rules import.
    roots |= {"__main__", "planning.command", "planning.quiet", "article.families"}
    reached = set().union(*map(CODE.modules, roots))
    files = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")}
    assert {".".join(file.with_suffix("").parts) for file in files if file.name != "__init__.py"} == reached


def test_the_default_profile_compares_times_alone_and_locks_nothing():
    profile = YAML(typ="safe").load((PROJECT / "profiles/default/config.yaml").read_text(encoding="utf-8"))
    assert profile["rerun-triggers"] == ["mtime"]
    # A marker that a kill leaves behind must not force its job (targets.py says why).
    assert profile["ignore-incomplete"] is True
    assert "rerun-incomplete" not in profile
    assert profile["nolock"] is True
    assert "all" not in profile["quiet"]


def test_plots_and_metrics_of_dvc_lie_in_the_folders_of_stages():
    described = YAML(typ="safe").load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))
    assert described["metrics"] == ["data/metrics/summary.json"]
    files = {
        file for each in described["plots"] for name, plot in each.items() for file in plot.get("y", {}) if "/" in file
    }
    files |= {name for each in described["plots"] for name in each if "/" in name}
    assert {*stage_list.shown(PROJECT)} == {*described["metrics"], *files}
    assert files == {
        "data/train_baseline/history.csv",
        "data/train_augmented/history.csv",
        "data/train_baseline/validation.csv",
        "data/train_augmented/validation.csv",
        "data/metrics/per_class.csv",
    }
