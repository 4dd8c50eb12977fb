"""Any picture as the JPEG that the flow works on: what convert does with each, and what becomes of a new photo."""

from huskies.errors import UnreadableImage
from huskies.images import codec

_MAX_ASPECT = 1000  # longer sides of so many times the shorter one belong to no photo


def convert_image(content: bytes, quality: int, max_side: int, notes: list[tuple[str, str]] | None = None) -> bytes:
    """Return the picture as JPEG bytes, at most `max_side` pixels on its longer side (0: as it is).

    notes: as in `codec.decode`. Raises UnreadableImage, whose text is the reason for rejected.csv.
    """
    # Nested, so that no name holds on to an image that the next step has done with.
    try:
        return codec.encode(codec.decode(content, _MAX_ASPECT, max_side, notes), quality)
    except MemoryError:
        raise UnreadableImage("too large for the memory of this machine") from None
