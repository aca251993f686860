"""From distributions on disk to an index that is known to hold them."""
