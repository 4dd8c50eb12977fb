"""The rows of the article, its page, and the sweep."""
