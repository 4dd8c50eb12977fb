"""The same flow on noise, and with a leak."""
