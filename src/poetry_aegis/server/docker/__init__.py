"""Docker and Compose, driven through their own command line."""
