"""A whole product for each worker, on one switch after the other, and voices to speak with."""

from tests.support.live import message_wav, product, reader, second_wav, speech, switch

__all__ = ["message_wav", "product", "reader", "second_wav", "speech", "switch"]
