"""From frozen context values to a tree of configuration files."""
