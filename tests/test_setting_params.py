"""setting_params: a row changes what it names and nothing else, as -S would, and what it may not is refused."""

import copy

import pytest
from conftest import PROJECT
from huskies.errors import HuskyError
from huskies.experiments import setting_params
from huskies.experiments.setting_table import Setting
from huskies.planning import params


@pytest.fixture(autouse=True)
def _where_the_parameters_are(monkeypatch):
    monkeypatch.chdir(PROJECT)


def made(**cells: str) -> dict:
    """Return the parameters of a setting; aug__factor is aug.factor."""
    return setting_params.parameters(setting(cells), params.read())


def setting(cells: dict[str, str]) -> Setting:
    return Setting(3, "a", {column.replace("__", "."): cell for column, cell in cells.items()})


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("aug.factor", "2", 2),
        ("train.l2", "0.01", 0.01),
        ("train.l2", "auto", "auto"),
        ("train.l1", "0", 0.0),
        ("train.class_balanced", "false", False),
        ("train.keep", "last", "last"),
        ("backbone.layer", "[conv_dw_1, conv_dw_2]", ["conv_dw_1", "conv_dw_2"]),
        ("backbone.input_size", "64", 64),
        ("split.repeat", "3", 3),
        ("aug.policy.0.rotate", "[-30, 30]", [-30, 30]),
        ("backbone.arguments.alpha", "0.25", 0.25),
        ("aug.policy", "[{transform: HorizontalFlip, p: 0.5}]", [{"transform": "HorizontalFlip", "p": 0.5}]),
    ],
)
def test_a_cell_sets_its_parameter_and_no_other(column, cell, value):
    expected = params.load()
    setting_params.put(expected, column, value)
    assert setting_params.parameters(Setting(3, "a", {column: cell}), params.read()) == expected


def test_without_cells_all_is_as_in_params_yaml_which_stays_as_it_is():
    before = params.read()
    kept = copy.deepcopy(before)
    assert setting_params.parameters(Setting(3, "a", {}), before) == params.load()
    setting_params.parameters(Setting(3, "a", {"aug.policy.0.rotate": "[-1, 1]"}), before)
    assert before == kept


NO_OTHER = (
    "may not vary: settings are compared on the same images, and judged in the same way. What may are the parameters "
    "of aug, backbone, train, and split.repeat. Set it in params.yaml, for all settings."
)


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        (
            "aug.factr",
            "2",
            "experiments.csv: column 'aug.factr': there is no such parameter. Did you mean 'aug.factor'?",
        ),
        ("factor", "2", "experiments.csv: column 'factor': there is no such parameter. Did you mean 'aug.factor'?"),
        ("raw", "photos", f"experiments.csv: column 'raw' {NO_OTHER}"),
        ("split.seed", "2", f"experiments.csv: column 'split.seed' {NO_OTHER}"),
        ("split.test", "0", f"experiments.csv: column 'split.test' {NO_OTHER}"),
        ("group.near_duplicates", "false", f"experiments.csv: column 'group.near_duplicates' {NO_OTHER}"),
        ("leaks.action", "warn", f"experiments.csv: column 'leaks.action' {NO_OTHER}"),
        (
            "aug",
            "{factor: 2}",
            "experiments.csv: column 'aug' is a section. Name one of its parameters, as in aug.factor",
        ),
        (
            "aug.policy.3.p",
            "1",
            "experiments.csv: column 'aug.policy.3.p': the list has 3 items, counted from 0. Name one of them.",
        ),
        (
            "aug.factor.x",
            "1",
            "experiments.csv: column 'aug.factor.x': what stands before .x has no parts in params.yaml. Leave .x out.",
        ),
        ("aug.factor", "-1", "experiments.csv, line 3: aug.factor is -1, but must be at least 0."),
        ("aug.factor", "many", 'experiments.csv, line 3: aug.factor is "many", but must be of type integer.'),
        (
            "train.learning_rate",
            "0,01",
            'experiments.csv, line 3: train.learning_rate is "0,01", but must be of type number. Write 0,01 with a '
            "point: 0.01",
        ),
        ("train.optimizer", "adm", 'experiments.csv, line 3: train.optimizer is "adm", but must be one of adam, sgd.'),
    ],
)
def test_what_there_is_not_or_may_not_be_is_refused(column, cell, said):
    with pytest.raises(HuskyError) as error:
        setting_params.parameters(Setting(3, "a", {column: cell}), params.read())
    assert str(error.value) == said


def test_a_cell_that_is_no_yaml_is_named_with_its_line():
    with pytest.raises(HuskyError, match=r'^experiments\.csv, line 3: "\[1, 2" is not valid YAML: '):
        made(backbone__layer="[1, 2")


def test_counts_that_are_too_large_together_are_refused_with_the_line():
    with pytest.raises(HuskyError) as error:
        made(train__steps="1000000", train__batch_size="10000")
    assert str(error.value).startswith("experiments.csv, line 3: train.steps times train.batch_size is 2147483648 or")
