"""A tenant as a file: reading it, planning what it changes, applying that, and writing one."""
