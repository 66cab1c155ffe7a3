"""FreeSWITCH over the outbound and the inbound Event Socket."""
