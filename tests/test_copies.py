"""copies: what a copy is follows from its image and its number alone."""

import hashlib

from huskies.augmentation.copies import copy_seed


def test_a_seed_is_the_same_for_ever_and_differs_for_every_copy():
    assert copy_seed(1, "abc", 0) == int(hashlib.sha256(b"1:abc:0").hexdigest()[:8], 16)
    seeds = {copy_seed(s, source, k) for s in range(5) for source in ("abc", "abd", "1") for k in range(20)}
    assert len(seeds) == 300
