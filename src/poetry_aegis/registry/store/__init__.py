"""The distributions and the pages that tell of them."""
