"""What `up` needs: an embedded PostgreSQL, a private switch, child processes."""
