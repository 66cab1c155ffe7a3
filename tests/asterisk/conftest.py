"""A whole product with a private Asterisk for each worker, and voices to speak with."""

import pytest
from tests.support.live import message_wav, product, reader, second_wav, speech

__all__ = ["message_wav", "product", "reader", "second_wav", "speech"]


@pytest.fixture(scope="session")
def switch() -> str:
    """Return the switch of this folder."""
    return "asterisk"
