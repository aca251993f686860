"""What happened: commits, tags and reverts, read out of git and taken apart."""
