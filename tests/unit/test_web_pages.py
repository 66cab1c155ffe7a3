"""Pages: words by language, and text that stays text."""

from __future__ import annotations

import pytest
from controlplane.web.docs_page import calls_of
from controlplane.web.pages import Pages, preferred, with_code
from tests.support.hostile import HOSTILE_TEXTS


@pytest.mark.parametrize("tag", ["en", "en-GB", "xx", "not a tag"])
def test_words_fall_back_to_english(tag: str) -> None:
    """Every tag has words."""
    locale, words = Pages().words(tag)

    assert (str(locale), words["labels"]["caller"]) == ("en", "From")


@pytest.mark.parametrize(
    ("tags", "language"),
    [(("de-AT",), "de"), (("DE",), "de"), (("cs", "de"), "de"), (("en", "de"), "en"), ((), "en")],
)
def test_words_are_those_of_the_first_language_that_has_some(tags: tuple[str, ...], language: str) -> None:
    """Each wanted tag is tried along itself, in order."""
    locale, _ = Pages().words(*tags)

    assert str(locale) == language


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        ("de-AT, en;q=0.5", ["de-AT", "en"]),
        ("en;q=0.5, de", ["de", "en"]),
        ("en ; q=0.123, de;q=0", ["en"]),
        ("*, ;, q=1, de;q=nan, fr;q=9, en-;q=1.", ["en-"]),
        ("", []),
        ("de," * 1000, ["de"] * 20),
        ("x" * 100_000, []),
    ],
)
def test_what_a_browser_prefers(header: str, tags: list[str]) -> None:
    """The tags of a browser come by weight; what is none is left out."""
    assert preferred(header) == tags


def test_every_error_of_a_link_has_words() -> None:
    """Each way in which a link may fail has a title and a sentence."""
    _, words = Pages().words("en")

    assert set(words["errors"]) == {
        "link-expired",
        "link-invalid",
        "message-purged",
        "recording-missing",
        "unavailable",
    }
    assert all({"title", "text"} == set(said) for said in words["errors"].values())


def test_backticks_become_code_and_the_rest_stays_text() -> None:
    """Markup in a description is shown, not obeyed."""
    assert str(with_code("<b> `a<b` & c")) == "&lt;b&gt; <code>a&lt;b</code> &amp; c"


@pytest.mark.parametrize("text", [text for text in HOSTILE_TEXTS if len(text) < 100])
def test_no_text_makes_an_element(text: str) -> None:
    """Whatever stands in a description, only our own element appears."""
    assert "<" not in str(with_code(text)).replace("<code>", "").replace("</code>", "")


def test_an_example_fills_the_path_and_sends_the_body() -> None:
    """A call's example is a command that can be tried."""
    document = {
        "paths": {
            "/things/{id}": {
                "patch": {
                    "operationId": "change",
                    "tags": ["things"],
                    "summary": "Change it.",
                    "parameters": [
                        {"name": "id", "in": "path", "required": True, "schema": {"examples": ["7"]}}
                    ],
                    "requestBody": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
                    },
                    "responses": {"204": {"description": "Done."}},
                }
            }
        },
        "components": {"schemas": {"Thing": {"examples": [{"name": "ü"}]}}},
    }
    (call,) = calls_of(document, public_url="https://example.com/")

    assert call.example == (
        "curl -X PATCH 'https://example.com/things/7' \\\n"
        "  -H 'Authorization: Bearer svm_…' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -d \'{"name": "ü"}\''
    )
