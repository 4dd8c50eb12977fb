"""Augmented copies: the policy, the copies, and each transform alone."""
