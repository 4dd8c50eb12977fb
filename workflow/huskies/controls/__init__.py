"""The same flow on noise, with a leak, and on other splits."""
