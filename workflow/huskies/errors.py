"""The errors that a user is meant to read: what is wrong, where and how to fix it, or why an image is left out."""

import difflib
from collections.abc import Iterable


class HuskyError(Exception):
    """Bad input or an unusable workspace. Shown as `ERROR: …`, with exit status 2, and without a traceback."""


class UnreadableImage(Exception):
    """The bytes are not a picture that can be used; the text says why, in the same words every time."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name closest to `name`, or what is known if none is close."""
    names = sorted(str(each) for each in known)
    folded = {each.casefold(): each for each in names}
    match = difflib.get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.5)
    if match:
        return f" Did you mean '{folded[match[0]]}'?"
    return f" Known: {', '.join(names)}." if names and len(names) <= 40 else ""


def some(items: Iterable[str], limit: int = 5) -> str:
    """Join the first `limit` items for a message, and count the rest."""
    listed = list(items)
    rest = len(listed) - limit
    return ", ".join(listed[:limit]) + (f" and {rest} more" if rest > 0 else "")
