"""Where the tables of measurements stand in the pages of docs/: between two comments."""


def put(page: str, begin: str, end: str, tables: str) -> str:
    """Return the page with the tables, in Markdown, in the place of what it has between the comments begin and end."""
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{tables}\n\n{end}{after}"
