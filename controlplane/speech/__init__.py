"""Prompts as text, spoken once into a cache of WAV files."""
