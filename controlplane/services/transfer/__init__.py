"""Importing and exporting objects as CSV."""
