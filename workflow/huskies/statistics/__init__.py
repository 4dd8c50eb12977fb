"""Intervals, verdicts, and how optimistic a chosen best is."""
