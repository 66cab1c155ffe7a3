"""The errors of the product.

ControlPlaneError
├── DomainError            the one who asked is wrong; has an `error_id` and the field
│   ├── NotFound           404 at the edge
│   ├── Conflict           409
│   ├── PreconditionFailed 412
│   └── InvalidValue       422
│       └── InvalidValues  422, several of them
├── Unavailable            one of our parts cannot be reached now; worth a retry
│   ├── Contended          others change the same at the same time
│   └── SwitchUnavailable
│       └── SwitchRefused  it answers, and does not take what it was given
├── CallEnded
│   ├── CallerHungUp       normal: most calls end so
│   └── CallLost           the link to the switch is gone; the dialplan has the call
└── DeliveryError          a mail was not taken; `permanent` decides about a retry

HTTP codes are decided in `web/errors.py` only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class ControlPlaneError(Exception):
    """Any error of ours."""


class DomainError(ControlPlaneError):
    """What was asked cannot be done; says which field and what to do instead.

    `error_id` is kebab case and part of the REST contract. `field` is a path such as
    `email_recipients[3]`. The sentence never holds a PIN, a token or a password.
    """

    error_id = "invalid"

    def __init__(
        self,
        sentence: str,
        *,
        error_id: str | None = None,
        field: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.error_id = error_id or type(self).error_id
        self.field = field
        self.details = dict(details or {})


class NotFound(DomainError):
    """There is no such thing, or not for the one who asks."""

    error_id = "not-found"


class Conflict(DomainError):
    """It clashes with something that exists."""

    error_id = "conflict"


class PreconditionFailed(DomainError):
    """The thing was changed by somebody else since it was read."""

    error_id = "stale-etag"


class InvalidValue(DomainError):
    """A value breaks a rule."""

    error_id = "invalid-value"


class InvalidValues(InvalidValue):
    """Several values break a rule; `errors` has one for each of them."""

    error_id = "invalid-values"

    def __init__(self, errors: Sequence[InvalidValue]) -> None:
        super().__init__(" ".join(error.sentence for error in errors))
        self.errors = tuple(errors)


class Unavailable(ControlPlaneError):
    """A part that is needed cannot be reached now."""


class Contended(Unavailable):
    """Others change the same at the same time: PostgreSQL ended one of the transactions, and this was it."""


class SwitchUnavailable(Unavailable):
    """The switch does not answer, or refuses us."""


class SwitchRefused(SwitchUnavailable):
    """The switch answers, and keeps its old configuration because the new one is wrong."""


class CallEnded(ControlPlaneError):
    """The call cannot go on under our control."""


class CallerHungUp(CallEnded):
    """The caller left. Not an error in logs."""


class CallLost(CallEnded):
    """The link to the switch is gone; the dialplan goes on by itself."""


class DeliveryError(ControlPlaneError):
    """A mail was not taken over.

    `permanent` says that no retry will help, `too_large` that a smaller mail may be taken.
    """

    def __init__(self, sentence: str, *, permanent: bool, too_large: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.permanent = permanent
        self.too_large = too_large
