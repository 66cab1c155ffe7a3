"""Texts that a caller or a client may send to break a parser, a switch, a mail or a page.

One corpus for every place that meets foreign text: names and numbers of callers, display names,
header values, paths, exports. Each text is a plain `str`; what only exists as bytes on a wire is
in HOSTILE_BYTES.
"""

from __future__ import annotations

from typing import Final

_LINES: Final = (
    "x\nagi_x: victim",
    "x\n\n200 result=1",
    "x\r\nInjected: yes",
    "x\rInjected: yes",
    "x%0Aagi_x%3A%20victim",
    "x%0A%0A200 result=1",
    "Bob%0AUnique-ID%3A%20victim",
    "x\u2028Unique-ID: victim",
    "x\u2029Unique-ID: victim",
    "x\u0085Unique-ID: victim",
    "x\x0bUnique-ID: victim",
    "x\x0cUnique-ID: victim",
    "HANGUP\n200 result=0",
)
_EXPANSIONS: Final = (
    "${system(id)}",
    "${SHELL(id)}",
    "%24%7Bsystem(id)%7D",
    "%2524%257Bsystem(touch x)%257D",
    "$${system(id)}",
    "${${system(id)}}",
    "${caller_id_name}",
    "${var:0:3}",
    "$[1+1]",
    "$(id)",
    "`id`",
    "{{ 7*7 }}",
    "{% raw %}",
    "#{7*7}",
    "%(message)s",
    "%s%n%d",
)
_QUOTING: Final = (
    '"',
    "'",
    "\"quoted\" and 'quoted'",
    "\\",
    'back\\slash\\"',
    "trailing\\",
    ",",
    "a,b,c",
    "a;b;c",
    "a=b",
    "a|b",
    "a&b",
    "{a=b,c=d}",
    "[a=b]user/1",
    "<sip:evil@example.invalid>",
    "a b  c",
    " leading and trailing ",
    "\ttab\t",
)
_MARKUP: Final = (
    "]]>",
    "<![CDATA[x]]>",
    "<!--",
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "&<>\"'",
    "&amp;&#0;",
    "</param><param name='x'/>",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
)
_MAIL: Final = (
    "x\r\nBcc: victim@example.invalid",
    "x\r\n\r\nbody",
    "x\nBcc: victim@example.invalid",
    "--===============0123456789==--",
    "XXXX_boundary_XXXX",
    "=?utf-8?q?x=0ABcc:_victim?=",
    ".\r\n",
)
_FILES_AND_SHELLS: Final = (
    "../../../../etc/passwd",
    "..\\..\\windows",
    "/etc/passwd",
    "a/../../b",
    "; id",
    "| id",
    "&& id",
    "> /tmp/x",
    "$IFS",
    "-rf",
    "--help",
    "~root",
    "*",
)
_SPREADSHEETS: Final = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1)",
)
_SQL: Final = ("' OR 1=1 --", "'; DROP TABLE messages; --", "%_%")
_CHARACTERS: Final = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x01\x02\x1b[31mred\x1b[0m\x07\x08\x7f",
    "\ud800",
    "a\udcffb",
    "\ufeffmarked",
    "\u202eright to left",
    "zero\u200bwidth",
    "\ufffd\uffff",
    "e\u0301 \u00e9",
    "Ünïcödé 中文 😀",
    "\U0010ffff",
    "x" * 3000,
    "\u00fc" * 3000,
    "\\" * 3000,
    '"' * 3000,
)

HOSTILE_TEXTS: Final[tuple[str, ...]] = (
    *_LINES,
    *_EXPANSIONS,
    *_QUOTING,
    *_MARKUP,
    *_MAIL,
    *_FILES_AND_SHELLS,
    *_SPREADSHEETS,
    *_SQL,
    *_CHARACTERS,
)

HOSTILE_BYTES: Final[tuple[bytes, ...]] = (
    *(text.encode("utf-8", "surrogatepass") for text in HOSTILE_TEXTS),
    b"\xff\xfe",
    b"\xc3(",
    b"\xe2\x80",
    b"\xc0\xaf..\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf5\x80\x80\x80",
    bytes(range(256)),
)
