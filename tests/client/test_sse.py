import pytest

from mofsim.client.sse import Message, SseParser

STREAM = 'id: 7\r\nevent: task.status\r\ndata: {"a": 1}\r\n\r\n: ping\r\n\r\ndata: é\ndata: second\n\n'.encode()


def read(*pieces: bytes) -> list[Message]:
    parser = SseParser()
    return [message for piece in pieces for message in parser.feed(piece)]


def test_a_message_has_its_event_its_data_and_its_id() -> None:
    assert read(b'id: 7\nevent: task.status\ndata: {"a": 1}\n\n') == [Message("task.status", '{"a": 1}', "7")]


def test_lines_of_data_are_joined_by_line_ends() -> None:
    assert read(b"data: one\ndata: two\n\n")[0].data == "one\ntwo"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_pieces_may_be_cut_anywhere_even_inside_a_character_and_a_line_end(size: int) -> None:
    pieces = [STREAM[i : i + size] for i in range(0, len(STREAM), size)]
    assert read(*pieces) == [Message("task.status", '{"a": 1}', "7"), Message("message", "é\nsecond", "7")]


def test_a_line_may_end_with_a_bare_carriage_return() -> None:
    assert read(b"data: a\rdata: b\r\rdata: c\r", b"\r") == [Message("message", "a\nb", None)]


def test_comments_and_messages_without_data_give_nothing() -> None:
    assert read(b": ping\n\nevent: empty\n\nretry: 3000\n\n") == []


def test_an_event_name_does_not_last_beyond_its_message() -> None:
    assert [m.event for m in read(b"event: a\ndata: 1\n\ndata: 2\n\n")] == ["a", "message"]


def test_line_separators_of_unicode_are_data() -> None:
    assert read("data: a\u2028b\x85c\n\n".encode())[0].data == "a\u2028b\x85c"


def test_only_one_space_after_the_colon_is_taken_away() -> None:
    assert read(b"data:  two\n\n")[0].data == " two"


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert read(b"\xef\xbb\xbfdata: a\n\n") == [Message("message", "a", None)]
