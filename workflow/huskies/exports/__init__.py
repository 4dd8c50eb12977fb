"""The classifier in the formats of other runtimes, each asked whether it says the same."""
