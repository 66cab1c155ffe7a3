"""Compose and send the mail that announces a message."""
