"""Asterisk over FastAGI and AMI."""
