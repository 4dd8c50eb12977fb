"""Images that show the same thing: which might, and whether they do."""
