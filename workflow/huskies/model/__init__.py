"""A trained classifier as it is handed over: what it says of photos, what it refuses, and how it is asked."""
