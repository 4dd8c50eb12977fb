"""One module a rule: what each step of the workflow does."""
