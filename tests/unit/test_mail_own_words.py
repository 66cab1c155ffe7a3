"""Templates of mails: what they can say, and that none of them does harm."""

from __future__ import annotations

import os

import pytest
from controlplane.mail.own_words import VARIABLES, TemplateFault, render_words

VALUES = {name: f"<{name.lower()}>" for name in VARIABLES}


def _fault(template: str, **values: str) -> TemplateFault:
    said = render_words(template, VALUES | values, longest=1000)
    assert isinstance(said, TemplateFault), said
    return said


def test_every_variable_can_be_said() -> None:
    """The variables are put in as they are, and a template may choose between words."""
    template = " ".join(f"{{{{ {name} }}}}" for name in VARIABLES)
    choice = "{% if CALLER_NAME %}{{ CALLER_NAME | upper }}{% else %}somebody{% endif %}"

    assert " ".join(VALUES.values()) == render_words(template, VALUES, longest=1000)
    assert "<CALLER_NAME>" == render_words(choice, VALUES, longest=1000)
    assert "somebody" == render_words(choice, VALUES | {"CALLER_NAME": ""}, longest=1000)


def test_a_value_is_no_template() -> None:
    """What a caller wrote is never read as a template."""
    hostile = "{{ VOICEMAIL_NAME }}{% for a in"

    assert hostile == render_words("{{ CALLER_NAME }}", VALUES | {"CALLER_NAME": hostile}, longest=1000)


@pytest.mark.parametrize(
    ("template", "error_id", "part"),
    [
        ("a\n{{ CALLER_NAME", "template-unreadable", "line 2"),
        ("{% if %}", "template-unreadable", "line 1"),
        ("{{ CALLER }}", "template-unknown-variable", "There is no variable CALLER. There are CALLER_NAME,"),
        ("{{ range(3) }}", "template-unknown-variable", "range"),
        ("From %%CALLER_NAME%%", "template-foreign", "Write {{ CALLER_NAME }} instead of %%CALLER_NAME%%."),
        ("{{ CALLER_NAME.surname }}", "template-fails", "surname"),
        ("{{ 1 / 0 }}", "template-fails", "ZeroDivisionError"),
        ("{% include 'x' %}", "template-fails", "no loader"),
        ("{{ CALLER_NAME * 1000 }}", "template-too-long", "1000 characters"),
        ("{{ ''.__class__.__mro__ }}", "template-fails", "unsafe"),
        ("{{ CALLER_NAME.__class__.__base__.__subclasses__() }}", "template-fails", "unsafe"),
        ("{{ '{0.__class__}'.format(CALLER_NAME) }}", "template-fails", "unsafe"),
        ("{{ CALLER_NAME['__class__'] }}", "template-fails", "unsafe"),
        ("{{ CALLER_NAME | attr('__class__') }}", "template-fails", "unsafe"),
        ("{{ [CALLER_NAME] | map(attribute='__class__') | first }}", "template-fails", "unsafe"),
        ("{{ '{c.__init__.__globals__}'.format_map({'c': CALLER_NAME}) }}", "template-fails", "unsafe"),
        ("{{ self.__init__.__globals__ }}", "template-fails", "unsafe"),
        ("{{ CALLER_NAME.format.__self__ }}", "template-fails", "no attribute"),
        ("{% macro m() %}{% endmacro %}{{ m.__init__.__globals__ }}", "template-fails", "unsafe"),
        ("{% set all = [] %}{{ all.append(1) }}", "template-fails", "unsafe"),
        ("{{ cycler.__init__.__globals__.os }}", "template-unknown-variable", "cycler"),
        ("{{ lipsum.__globals__ }}", "template-unknown-variable", "lipsum"),
        ("{% import 'os' as os %}{{ os }}", "template-fails", "no loader"),
        ("{% extends '/etc/passwd' %}", "template-fails", "no loader"),
        ("{% if false %}{{ NOBODY }}{% endif %}", "template-unknown-variable", "NOBODY"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "template-fails", "Recursion"),
    ],
)
def test_a_bad_template_is_told(template: str, error_id: str, part: str) -> None:
    """What is wrong is said in a sentence that names it; the sandbox lets nothing out."""
    fault = _fault(template)

    assert (error_id, True) == (fault.error_id, part in fault.sentence), fault


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in 'x' * 99999 %}{% for b in 'x' * 99999 %}{% set c = a %}{% endfor %}{% endfor %}",
        "{% macro again() %}{% for a in 'x' * 99999 %}{{ again() }}{% endfor %}{% endmacro %}{{ again() }}",
        "{{ 'x' * 10 ** 10 }}",
        "{{ 9 ** (9 ** 9) }}",
        "{{ 'x' | center(10 ** 9) }}",
        "{{ '%0999999999d' | format(1) }}",
    ],
)
def test_a_template_that_never_ends_is_ended(template: str) -> None:
    """A loop, and what fills the memory, is stopped by the limits of its process."""
    fault = _fault(template)

    assert fault.error_id in {"template-too-slow", "template-too-large"} or "Recursion" in fault.sentence


def test_a_template_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of a template does not have our environment."""
    monkeypatch.setenv("CONTROLPLANE_LINK_KEY", "secret")
    seen: list[dict[str, str]] = []
    import subprocess  # noqa: PLC0415 (what the module calls)

    run = subprocess.run

    def noted(*arguments: object, **named: object) -> object:
        seen.append(named["env"])  # type: ignore[arg-type]  # a mapping
        return run(*arguments, **named)  # type: ignore[call-overload]  # as it was called

    monkeypatch.setattr(subprocess, "run", noted)
    assert "x" == render_words("x", VALUES, longest=10)

    assert [{"PATH", "PYTHONPATH"}] == [set(each) for each in seen]
    assert "CONTROLPLANE_LINK_KEY" in os.environ
