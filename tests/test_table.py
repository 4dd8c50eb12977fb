"""table: the numbers of the present parameters are printed, and no others."""

import pytest
from huskies import receipt
from huskies.errors import HuskyError
from huskies.planning import table


@pytest.fixture
def plans(tmp_path) -> dict[str, dict]:
    """The plans of metrics and report, whose folders are as they say."""
    found = {}
    for stage, file, content in (("metrics", "table.txt", "numbers\n"), ("report", "report.html", "<p>")):
        empty = {part: {} for part in ("params", "code", "files", "inputs", "libraries")}
        found[stage] = {"stage": stage, "raw": None, **empty}
        (tmp_path / stage).mkdir()
        (tmp_path / stage / file).write_text(content)
        receipt.write(tmp_path / stage, found[stage])
    return found


def test_the_table_comes_with_the_path_of_the_page(plans, tmp_path):
    assert table.run(plans, tmp_path) == f"numbers\npage: {tmp_path}/report/report.html\n"


def test_numbers_of_another_plan_are_not_printed(plans, tmp_path):
    plans["metrics"] = {**plans["metrics"], "params": {"train": {"steps": 5}}}
    with pytest.raises(HuskyError, match=r"metrics is not of the present parameters, code and images: .*train"):
        table.run(plans, tmp_path)


@pytest.mark.parametrize("file", ["metrics/table.txt", "report/report.html"])
def test_numbers_and_pages_that_were_changed_by_hand_are_not_printed(plans, tmp_path, file):
    (tmp_path / file).write_text("better")
    with pytest.raises(HuskyError, match=rf"{file.replace('/', '.*')}.* Make it: snakemake --cores all report"):
        table.run(plans, tmp_path)
