"""Voices to speak with."""

from tests.support.live import message_wav, speech

__all__ = ["message_wav", "speech"]
