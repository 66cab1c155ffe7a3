"""Tables, repositories, the recording store, the spool and the job queue's app."""
