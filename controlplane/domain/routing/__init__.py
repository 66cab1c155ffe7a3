"""Where calls go: destinations, office hours, and what each kind of object does with a call."""
