"""Many settings of the user's own flow, as one run: their table, their flows, and what comes of them."""
