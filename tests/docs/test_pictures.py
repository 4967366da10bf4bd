"""The pictures that README and docs show are there and fetch nothing, and what draws them draws what is shown."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from scripts.picturing import draw, record, shots, strokes
from scripts.picturing.cells import Look, Run, row_of, text_of
from scripts.picturing.screen import Screen

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDER = ROOT / "docs" / "pictures"
SVG = "{http://www.w3.org/2000/svg}"


def shown() -> list[Path]:
    return [
        (page.parent / target).resolve()
        for page in PAGES
        for target in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text("utf-8"))
    ]


@pytest.mark.parametrize("path", sorted(set(shown())), ids=lambda path: path.name)
def test_a_picture_is_there_and_fetches_nothing(path: Path) -> None:
    text = path.read_text("utf-8")
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg" and (root.findtext(f"{SVG}title") or "").strip()
    links = [value for each in root.iter() for name, value in each.attrib.items() if name.endswith(("href", "src"))]
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"@font-face|@import|url\(|<script|<foreignObject|https?://(?!www\.w3\.org/2000/svg)", text)


def test_all_pictures_are_shown_and_none_is_too_large() -> None:
    made = {f"{name}.svg" for name in (*shots.REAL, *shots.DEMO, "session")}
    assert {path.name for path in FOLDER.glob("*.svg")} == made == {path.name for path in shown()}
    assert (FOLDER / "session.svg").stat().st_size < 400_000
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2_000_000


@pytest.mark.parametrize("name", shots.DEMO)
def test_simulated_devices_say_so(name: str) -> None:
    root = ElementTree.parse(FOLDER / f"{name}.svg")
    assert "DEMO" in [each.text for each in root.iter(f"{SVG}text")]


def test_the_recorded_session_can_be_played() -> None:
    size, events = record.read(FOLDER / "session.cast")
    assert size == record.SIZE
    assert [at for at, _, _ in events] == sorted(at for at, _, _ in events)
    frames = list(record.frames(size, events))
    assert len(frames) > 20 and all(seconds > 0 for seconds, _ in frames)
    assert "[Result]" in text_of(frames[-1][1])


def elements(drawn: str, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(drawn).iter(f"{SVG}{name}"))


def test_text_stands_in_its_column_with_its_looks() -> None:
    cyan, dim = Style(color=Color.from_ansi(6), bold=True), Style(dim=True)
    drawn = draw.still((row_of([Segment("ab  <c>", cyan), Segment(" d", dim)]),), 20, "of <two>")
    texts = elements(drawn, "text")
    assert [(each.text, each.get("x"), each.get("textLength")) for each in texts] == [
        ("ab", "0", "20"),
        ("<c>", "40", "30"),
        ("d", "80", None),
    ]
    assert f"fill:{draw.PALETTE[6]};font-weight:700" in drawn
    assert draw.FOREGROUND not in drawn, "dimmed text is not as bright as other text"
    assert elements(drawn, "title")[0].text == "of <two>"


def test_reversed_text_has_an_area_of_its_ink() -> None:
    drawn = draw.still(((Run("x", Look(reverse=True)),),), 4, "t")
    assert elements(drawn, "rect")[1].attrib == {"x": "0", "width": "10", "height": "20", "fill": draw.FOREGROUND}


def test_lines_blocks_and_dots_are_drawn_and_not_written() -> None:
    drawn = draw.still(((Run("──┐▌██⣿⠀", Look()),),), 8, "t")
    assert not elements(drawn, "text")
    line, dots = elements(drawn, "path")
    assert line.get("d") == "M0 10H25M25 10V20"
    assert (dots.get("d") or "").count("h0") == 8
    areas = [(each.get("x"), each.get("width")) for each in elements(drawn, "rect")[1:]]
    assert areas == [("30", "5"), ("40", "20")]


def test_a_block_of_eighths_fills_what_it_says() -> None:
    assert strokes.block("▏") == (0, 0, 1 / 8, 1) and strokes.block("▊") == (0, 0, 6 / 8, 1)
    assert strokes.block("▁") == (0, 7 / 8, 1, 1 / 8) and strokes.block("a") is None


def test_a_film_draws_a_row_once_and_shows_each_picture_for_its_time() -> None:
    same, first, second = ((Run(text, Look()),) for text in ("same", "first", "second"))
    drawn = draw.film([(1.0, (same, first)), (3.0, (same, second))], 10, "t")
    assert sorted(each.text or "" for each in elements(drawn, "text")) == ["first", "same", "second"]
    assert len(elements(drawn, "use")) == 4
    assert "0%{transform:translateX(0px)}25%{transform:translateX(-100px)}" in drawn and "film 4s" in drawn


def test_a_terminal_shows_what_was_written() -> None:
    screen = Screen(8, 3)
    text = "\x1b[?1049h\x1b[?2026h\x1b]22;x\x07\x1b[2;3H\x1b[1;38;5;208mÅb\x1b[0m\x1b[31;48;2;1;2;3mc\r\nd\x1b[?2026l"
    data = text.encode()
    for byte in data[:-1]:
        screen.feed(bytes([byte]))
    assert not screen.whole, "a frame is shown when all of it is there"
    screen.feed(data[-1:])
    assert screen.whole and text_of(screen.picture) == "\n  Åbc\nd"
    assert screen.picture[1][1:3] == (Run("Åb", Look(208, bold=True)), Run("c", Look(1, "#010203")))
    screen.feed(b"\x1b[2J\x1b[1;1Hx")
    assert text_of(screen.picture).strip() == "x"


@pytest.mark.parametrize("sequence", ["\x1b[3L", "\x1b[5m", "\x1b[1J"])
def test_a_sequence_that_is_not_known_is_no_picture(sequence: str) -> None:
    with pytest.raises(ValueError, match="what is"):
        Screen(4, 2).feed(sequence.encode())


def test_frames_are_whole_pictures_with_their_captions(tmp_path: Path) -> None:
    path = tmp_path / "a.cast"
    lines = [
        [0.1, "o", "before anything is said"],
        [0.5, "m", "x  does it"],
        [1.0, "o", "\x1b[2J\x1b[1;1Hone"],
        [1.05, "o", "\x1b[2J\x1b[1;1Htwo"],
        [3.0, "o", "\x1b[?2026h\x1b[2J"],
        [3.1, "o", "\x1b[1;1Hthree\x1b[?2026l"],
        [4.0, "m", "and so on"],
    ]
    head = {"version": 2, "width": 20, "height": 2}
    path.write_text("\n".join(json.dumps(line) for line in (head, *lines)))
    frames = [(round(seconds, 2), text_of(picture)) for seconds, picture in record.frames(*record.read(path), last=2)]
    assert frames == [
        (0.5, "before anything is s\n\n\n x  does it"),
        (2.1, "two\n\n\n x  does it"),
        (0.9, "three\n\n\n x  does it"),
        (2.0, "three\n\n\nand so on"),
    ]


def test_a_thinned_recording_shows_the_same() -> None:
    looks = "\x1b[1;31mA\x1b[0;38;5;208;48;2;1;2;3mB\x1b[0;2;3;4;7;96;103mC"
    events = [(0.0, "m", "x  y"), (0.1, "o", "one\r\ntwo"), (1.0, "o", f"\x1b[2;2H{looks}"), (1.01, "o", "\x1b[0mD")]
    thin = list(record.thinned((6, 2), events))
    assert [text for _, kind, text in thin if kind == "m"] == ["x  y"]
    seen, again = Screen(6, 2), Screen(6, 2)
    for _, kind, text in events:
        seen.feed(text.encode() if kind == "o" else b"")
    for _, kind, text in thin:
        again.feed(text.encode() if kind == "o" else b"")
    assert again.picture == seen.picture and text_of(seen.picture) == "one\ntABCD"
    assert "one" not in "".join(text for at, _, text in thin if at >= 1), "a row that stays is not written again"


def test_another_kind_of_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.cast").write_text('{"version": 3}\n')
    with pytest.raises(ValueError, match="no asciicast v2"):
        record.read(tmp_path / "a.cast")
