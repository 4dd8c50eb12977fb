"""How time and memory grow: the report is that of the measurements."""

import growth
import pandas as pd


def test_the_report_shows_what_was_measured():
    assert growth.report(pd.read_csv(growth.RESULT)) == growth.REPORT.read_text(encoding="utf-8")
