"""conversion: any picture becomes the same JPEG, within its size, or there is a reason."""

import io

import numpy as np
import pytest
from huskies.errors import UnreadableImage
from huskies.images import attempts, conversion
from PIL import Image


def png(width: int, height: int) -> bytes:
    drawn = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(drawn, "PNG")
    return drawn.getvalue()


def test_a_picture_becomes_a_jpeg_of_at_most_so_many_pixels_a_side():
    with Image.open(io.BytesIO(conversion.convert_image(png(60, 30), 90, 40))) as made:
        assert (made.format, made.size) == ("JPEG", (40, 20))


def test_what_is_no_photo_has_a_reason():
    with pytest.raises(UnreadableImage, match="one side has more than 1000 times those of the other"):
        conversion.convert_image(png(2002, 2), 90, 0)


def test_the_stage_converts_by_it():
    assert attempts.convert_image is conversion.convert_image
