"""What is known of the forges: where a remote is, its pages and its releases."""
