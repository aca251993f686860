"""How fast a version with many wheels is published over a slow link, beside other clients."""
