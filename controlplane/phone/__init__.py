"""A SIP phone for demonstrations and tests, and an ear that reads what it heard."""
