"""From a history of commits to a tagged version."""
