"""Signing distributions, and verifying what others have signed."""
