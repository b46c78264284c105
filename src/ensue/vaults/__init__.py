"""Where the keys of secrets are kept: one class in one file for each kind."""
