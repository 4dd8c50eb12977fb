"""Two Huskies: augmentation for small image sets, with numbers that neither leak nor go stale."""
