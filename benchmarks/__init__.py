"""Each figure of the documentation has its script here, peers side by side in one run."""
