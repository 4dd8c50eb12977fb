"""ledger: every look at the test set stands in it, whole."""

import pytest
from conftest import PROJECT
from huskies import ledger
from huskies.errors import HuskyError

LINE = "2026-01-02T03:04:05Z,0123,8,aa,bb,0.75,0.625,0.875,0.75,cc,dd"


def test_a_look_may_lack_only_what_the_flow_did_not_know(tmp_path):
    path = tmp_path / "ledger.csv"
    path.write_text(f"{','.join(ledger.COLUMNS)}\n{LINE}\n{LINE[:-5]},\n")
    assert ledger.read(path)[["raw", "code"]].to_numpy().tolist() == [["cc", "dd"], ["", ""]]


@pytest.mark.parametrize(
    "line",
    [
        LINE[:-3],
        LINE[:20],
        LINE.replace("0.75", "three quarters", 1),
        LINE.replace("0.625", ""),
        LINE.replace("0.875", "87.5"),
    ],
    ids=["a field less", "the time alone", "words", "nothing", "percent"],
)
def test_a_look_with_a_field_missing_or_an_accuracy_that_is_none_is_refused(tmp_path, line):
    path = tmp_path / "ledger.csv"
    path.write_text(f"{','.join(ledger.COLUMNS)}\n{LINE}\n{line}\n")
    with pytest.raises(HuskyError, match="the ledger of looks at the test set, is missing or damaged"):
        ledger.read(path)


def test_the_ledger_of_the_project_is_empty_and_kept_whole_by_merges():
    assert ledger.read(PROJECT / ledger.PATH).empty
    assert "ledger.csv merge=union" in (PROJECT / ".gitattributes").read_text(encoding="utf-8")
