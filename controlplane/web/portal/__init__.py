"""The web portal: pages for people, over the same services as the REST API."""
