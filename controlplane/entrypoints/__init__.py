"""One module a process and the command line: wiring only."""
