"""The style sheet is parsed for new styles and new colours, and not again for each screen."""

from typing import Any

import pytest
from textual.css import stylesheet

from mofsim.tui.styles import Styles


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Textual was asked to parse."""
    asked: list[str] = []
    parse: Any = stylesheet.parse

    def counted(scope: str, css: str, *arguments: Any, **named: Any) -> Any:
        asked.append(css)
        return parse(scope, css, *arguments, **named)

    monkeypatch.setattr(stylesheet, "parse", counted)
    return asked


def test_only_what_is_new_is_parsed_until_the_colours_are_others(parsed: list[str]) -> None:
    first, second = "Label { color: $primary; }", "Input { color: $primary; }"
    styles = Styles({"primary": "#ff0000"})
    styles.add_source(first, ("", "first"))
    assert [rule.styles.color.hex for rule in styles.rules] == ["#FF0000"]
    styles.set_variables({"primary": "#ff0000"})
    styles.reparse()
    styles.add_source(second, ("", "second"))
    styles.reparse()
    assert parsed == [first, second] and len(styles.rules) == 2
    styles.set_variables({"primary": "#0000ff"})
    styles.reparse()
    assert parsed == [first, second] * 2
    assert [rule.styles.color.hex for rule in styles.rules] == ["#0000FF"] * 2
