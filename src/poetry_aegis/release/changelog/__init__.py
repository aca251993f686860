"""The changelog: what its sections say, and the file around them."""
