"""HTML and SVG from functions: what is not markup already is escaped, whoever named the structure."""

from html import escape


class Markup(str):
    """Text that may stand in a document as it is."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: object) -> Markup:
    """`class_` is the attribute class, `stroke_width` is stroke-width; None leaves one out."""
    given = "".join(
        f' {_attribute(key)}="{escape(str(value))}"' for key, value in attributes.items() if value is not None
    )
    return Markup(f"<{name}{given}>{joined(children)}</{name}>")


def joined(parts: tuple[str, ...] | list[str], between: str = "") -> Markup:
    """One after the other, each escaped unless it is markup."""
    return Markup(between.join(part if isinstance(part, Markup) else escape(part) for part in parts))


def link(text: str, address: str | None) -> Markup:
    """Only addresses that lead to a page: one that runs a script is shown as text."""
    is_page = address is not None and address.split(":", 1)[0].lower() in ("http", "https", "file")
    inside = address is not None and address.startswith(("#", "/"))
    return element("a", text, href=address) if is_page or inside else element("span", text)


def _attribute(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
