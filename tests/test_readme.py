"""README and docs/ say what is so: the picture is the workflow's, settings are valid, commands run, links lead on."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import picture
import pytest
from conftest import CLASSES, PROJECT, Clone, do, stages_run
from huskies.augmentation import policy
from huskies.planning import params, stage_list
from PIL import Image
from ruamel.yaml import YAML

README, TOUR, PREDICT, PICTURE = "README.md", "docs/tour.md", "docs/predict.md", "docs/page.png"
PAGES = {
    path.relative_to(PROJECT).as_posix(): path.read_text(encoding="utf-8")
    for path in (PROJECT / README, *sorted((PROJECT / "docs").glob("*.md")))
}
SECTIONS = YAML(typ="safe").load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
# `make` is run by .ci/run, which the test below reads; `source` has nothing of ours to test.
BY_CI = ("make metrics", "make test")
# These take minutes as they stand; the tests of each run them with fewer images and steps.
ASKED = ("noise", "leakage", "experiments", "article", "sweep", "check")
BY_OTHER_TESTS = tuple(f"snakemake --cores 8 {asked}" for asked in ASKED)
# This needs a cluster, which test_slurm.py starts.
BY_OTHER_TESTS += ("snakemake --workflow-profile profiles/slurm ",)
# This needs a bucket, which test_bucket.py and test_kubernetes.py start.
BY_OTHER_TESTS += ("snakemake --workflow-profile profiles/kubernetes ",)
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def blocks(page: str, kind: str) -> list[str]:
    """Return the fenced blocks of a kind on a page. Those of kind yaml are settings, those of kind yml are not."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGES[page], re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[str]:
    """Return what follows a prompt on a page, in its order."""
    return [line[2:] for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ ")]


def script(page: str) -> list[str]:
    """Return the commands of a page that are run here."""
    return [command for command in commands(page) if not command.startswith(("make", "source", *BY_OTHER_TESTS))]


def inline(page: str) -> list[str]:
    """Return what stands between backticks in the text of a page."""
    return re.findall(r"`([^`]+)`", FENCED.sub("", PAGES[page]))


def everywhere(found) -> list[tuple[str, str]]:
    """Return (page, what `found` finds there) for all pages."""
    return [(page, each) for page in PAGES for each in found(page)]


def settings(page: str) -> list[str]:
    """Return `section.key` or `section.key: value` for each setting in the text of a page; `raw` is its own section."""
    dotted = rf"(?:{'|'.join(SECTIONS)})\.[a-z_]+(?:: .+)?"
    return [each for each in inline(page) if re.fullmatch(rf"{dotted}|raw: .+", each)]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: str) -> list[tuple[Path, str]]:
    """Return (file, anchor or nothing) of each link on a page that stays within the project."""
    text = re.sub(r"`[^`]*`", "", FENCED.sub("", PAGES[page]))
    targets = [target.partition("#") for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    here = PROJECT / page
    return [((here.parent / file).resolve() if file else here, anchor) for file, _, anchor in targets]


def files() -> list[str]:
    return [path.relative_to(PROJECT).as_posix() for path in PROJECT.rglob("*") if path.is_file()]


def test_the_readme_is_a_screen_and_a_half_and_its_picture_is_small():
    assert len(PAGES[README].encode()) <= 7_000
    assert (PROJECT / PICTURE).stat().st_size < 200_000


@pytest.mark.parametrize("page", PAGES)
def test_each_link_leads_to_a_file_and_a_heading(page):
    broken = [
        (file.name, anchor)
        for file, anchor in links(page)
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8")))
    ]
    assert broken == []


def test_every_page_is_reached_from_the_readme():
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            named = [file.relative_to(PROJECT).as_posix() for file, _ in links(page)]
            waiting += [name for name in named if name in PAGES]
    assert reached == set(PAGES)


def test_an_anchor_is_made_as_github_makes_it():
    assert anchors("# The `x`, checked\n```\n# no heading\n```\n## Is it all still true?\n### int8") == {
        "the-x-checked",
        "is-it-all-still-true",
        "int8",
    }


def test_the_picture_is_the_workflow(clone):
    drawn = picture.mermaid(picture.direct(picture.edges(clone.run(*picture.COMMAND).stdout)))
    assert blocks(README, "mermaid") == [drawn], "the README's picture is out of date. Make it anew: make picture"


def test_an_arrow_that_a_longer_way_stands_for_is_left_out():
    arrows = {("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d"), ("x", "d")}
    assert picture.direct(arrows) == {("a", "b"), ("b", "c"), ("c", "d"), ("x", "d")}
    assert picture.direct(set()) == set()


@pytest.mark.parametrize(("page", "snippet"), everywhere(lambda page: blocks(page, "yaml")))
def test_each_settings_snippet_is_valid(page, snippet, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    (tmp_path / "workflow").symlink_to(PROJECT / "workflow")
    shutil.copytree(PROJECT / "backbones", tmp_path / "backbones")
    # What a user has put there before.
    preset = tmp_path / "backbones/dinov2_small"
    preset.mkdir()
    (preset / "config.json").write_text("{}")
    (preset / "image_converter.json").write_text('{"config": {"image_size": [224, 224]}}')
    merged = params.load(overrides=YAML(typ="safe").load(snippet))
    policy.build(merged["aug"]["policy"])


@pytest.mark.parametrize(("page", "setting"), everywhere(settings))
def test_each_setting_in_the_text_is_valid(page, setting, monkeypatch):
    monkeypatch.chdir(PROJECT)
    name, colon, value = setting.partition(": ")
    if colon:
        section, _, key = name.partition(".")
        given = YAML(typ="safe").load(value)
        params.load(overrides={section: {key: given} if key else given})
    else:
        params.lookup(params.load(), name)


def test_each_target_of_make_and_snakemake_in_the_text_exists():
    made = set(re.findall(r"^([\w-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    files = [PROJECT / "Snakefile", *(PROJECT / "workflow").rglob("*.smk")]
    rules = {name for path in files for name in re.findall(r"^rule (\w+):", path.read_text(encoding="utf-8"), re.M)}
    for page in PAGES:
        text = "\n".join([*inline(page), *commands(page)])
        assert set(re.findall(r"^make ([\w-]+)", text, re.MULTILINE)) <= made, page
        assert set(re.findall(r"^snakemake (?:--cores \w+ )?([a-z_]+)(?![\w/])", text, re.MULTILINE)) <= rules, page


def test_each_script_and_list_of_requirements_in_the_text_exists():
    named = {
        (page, path)
        for page in PAGES
        for each in inline(page)
        for path in re.findall(r"(?<!\S)(?:requirements\S*\.txt|(?:benchmarks|tests|tools)/\S+\.(?:py|md))", each)
    }
    # The example of the tour.
    assert {path for page, path in named if not (PROJECT / path).is_file()} == {"tests/test_blur.py"}


def test_the_tree_has_what_git_has():
    tree = PAGES[TOUR].split("## The tree")[1].split("```")[1]
    named = {re.split(r"[/ ]", line)[0] for line in tree.splitlines() if re.match(r"[\w.]", line)} - {"logs"}
    left_out = re.compile(r"\.(?!dvc/plots)|[A-Z]+(\.md)?$")
    there = {path.split("/")[0] for path in files() if not left_out.match(path)}
    assert named == there


def test_the_tour_names_the_rooms_that_there_are():
    named = re.findall(r"^\| `(\w+)/` \|", PAGES[TOUR], re.MULTILINE)
    inside = [path.removeprefix(stage_list.PACKAGE) for path in files() if path.startswith(stage_list.PACKAGE)]
    assert sorted(named) == sorted({path.split("/")[0] for path in inside if "/" in path})


def test_the_table_of_stages_has_them_all_and_says_which_run_only_on_request():
    rows = re.findall(r"^\| (.+) \| (.+) \|$", PAGES[TOUR].split("## The stages")[1].split("## ")[0], re.MULTILINE)[1:]
    described = {name: text for names, text in rows for name in names.split(", ")}
    assert list(described) == list(stage_list.stages(PROJECT))
    asked_for = [name for name, text in described.items() if text.endswith("only on request")]
    assert asked_for == [name for name in described if name not in stage_list.tracked(PROJECT)]


def test_make_commands_are_run_by_ci():
    ci = (PROJECT / ".ci/run").read_text()
    for _, command in everywhere(lambda page: [each for each in commands(page) if each.startswith("make")]):
        assert command in BY_CI
        assert re.search(rf"^{command}$", ci, re.MULTILINE)


def test_no_page_has_lost_its_commands():
    assert sum(len(script(page)) for page in PAGES) >= 26


@pytest.mark.long
@pytest.mark.parametrize("page", [page for page in PAGES if script(page)])
def test_every_other_command_runs_in_the_order_of_its_page(page, built: Clone):
    # As the gate leaves them where it stops a run.
    one, other = pd.read_csv(built.folder / "data/convert/manifest.csv")["source"][:2]
    (built.folder / "logs/leaks_pairs.csv").write_text(f"file,other\n{one},{other}\n")
    for command in script(page):
        done = built.run("bash", "-c", command)
        assert done.returncode == 0, f"{shlex.quote(command)}\n{done.stdout}\n{done.stderr}"


@pytest.mark.long
def test_the_python_session_names_the_class_of_a_photo(built: Clone):
    # The other one is run where there is another repository.
    session, _ = blocks(PREDICT, "python")
    do(built, "snakemake", "--cores", "2", "export")
    # Keras draws a bar first.
    said = do(built, "python", "-c", session).split("\n")
    assert [line for line in said if re.fullmatch(rf"([{CLASSES}]|none of these): \d+\.\d%", line.strip())]


@pytest.mark.long
def test_the_step_that_the_tour_adds_runs_and_is_removed_again(built: Clone):
    [rule], [stanza], [module] = (blocks(TOUR, kind) for kind in ("snakemake", "yml", "python"))
    snakefile, listed = built.folder / "Snakefile", built.folder / stage_list.UNTRACKED
    before = {path: path.read_text(encoding="utf-8") for path in (snakefile, listed)}
    added = [built.folder / "workflow/rules/blur.smk", built.folder / stage_list.PACKAGE / "steps/blur.py"]
    for path, text in zip(added, (rule, module), strict=True):
        path.write_text(text, encoding="utf-8")
    listed.write_text(
        before[listed].replace("\n# Stages that make raw images", f"{stanza}\n# Stages that make raw images")
    )
    last = 'include: "workflow/rules/export.smk"\n'
    snakefile.write_text(before[snakefile].replace(last, last + last.replace("export", "blur")))
    said = do(built, "snakemake", "--cores", "2", "blur")
    table = pd.read_csv(built.folder / "data/blur/sharpness.csv")
    assert f"blur: {len(table)} training images; the least sharp is {table['file'][0]}" in said
    assert (built.folder / "logs/blur.log").read_text() in said
    assert table["sharpness"].is_monotonic_increasing
    assert table["sharpness"].min() > 0
    for path in added:
        path.unlink()
    for path, text in before.items():
        path.write_text(text, encoding="utf-8")
    shutil.rmtree(built.folder / "data/blur")
    assert stages_run(do(built, "snakemake", "--cores", "2", "report")) == []


@pytest.mark.browser
def test_the_picture_of_the_page_is_made_anew(built: Clone):
    (built.folder / PICTURE).unlink()
    do(built, "python", "tools/screenshot.py", Path(PICTURE).name)
    with Image.open(built.folder / PICTURE) as made, Image.open(PROJECT / PICTURE) as kept:
        assert made.size == kept.size
        assert len(made.convert("RGB").getcolors()) > 8


@pytest.mark.long
def test_the_script_that_made_the_sample_makes_it_again(tmp_path):
    subprocess.run([sys.executable, PROJECT / "workflow/make_digits.py", tmp_path], check=True)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.png")}
    kept = {path.relative_to(PROJECT / "data/digits"): path for path in Path(PROJECT / "data/digits").rglob("*.png")}
    assert made.keys() == kept.keys()
    assert all(made[name] == path.read_bytes() for name, path in kept.items())
