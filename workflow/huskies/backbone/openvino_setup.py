"""OpenVINO as this project needs it: it reports to nobody, and is loaded once."""

import functools
import sys
from typing import Any

# What OpenVINO says before it comes to the network.
_AROUND = ("Exception from ", "Check '", "Loading ", "FrontEnd API failed", "Model wasn't fully", "Summary:")


def load_openvino():
    """Import OpenVINO. Else it reports over the network that it was used, and keeps files about that in the home."""
    sys.modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino


@functools.cache
def core():
    """Return OpenVINO's Core, which reads, converts and compiles networks."""
    return load_openvino().Core()


def name(tensor: Any) -> str:
    """Return the name of an OpenVINO output: that of the file's tensor, or of what makes it if that has none."""
    return min(tensor.get_names(), default=tensor.get_node().get_friendly_name())


def reason(error: Exception) -> str:
    """Return the first line of what OpenVINO raised that is about the network, and not about OpenVINO's own sources."""
    lines = (line.strip(" -") for line in str(error).splitlines())
    about = (line for line in lines if line and not line.startswith(_AROUND))
    return next(about, type(error).__name__)[:200].rstrip(".")
