"""traps: a cache by name, and the best of many policies, in numbers."""

from article_inputs import VAL_IMAGES, number
from huskies.statistics import intervals


def test_numbers_of_one_run_have_wilsons_interval(article_made):
    _, _, table, _ = article_made
    low, high = (round(each, 6) for each in intervals.wilson(36, VAL_IMAGES))
    best = number(table, "tuning", "best of 3 on validation images")
    keyed = number(table, "old_bottlenecks", "grey copies: cache by name")
    for each in (best, keyed):
        assert (each["ours"], each["low"], each["high"]) == (0.9, low, high)
    assert keyed["note"] == "5 of 8 copies' bottlenecks are old ones"
    on_the_fly = number(table, "distorted", "MobileNetV2: accuracy at the last step, distorted on the fly")
    assert (on_the_fly["low"], on_the_fly["high"]) == tuple(round(each, 6) for each in intervals.wilson(28, VAL_IMAGES))
