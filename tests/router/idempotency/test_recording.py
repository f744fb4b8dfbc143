"""What passes a recording reaches its client as it came, and is remembered if it is whole."""

from router.idempotency.recording import Recording, Room
from router.idempotency.store import WholeAnswer
from tests.router.scripted import Client

HEADERS = {"content-type": "text/event-stream"}


async def test_a_stream_passes_as_it_came_and_is_remembered_in_its_bytes() -> None:
    client, room = Client(), Room(100)
    recording = Recording(client, room)
    await recording.start(200, HEADERS)
    for data in (b"data: 1\n\n", b"", b": x\n\n"):
        await recording.write(data)
    await recording.end()
    assert (client.status, client.headers, client.ended) == (200, HEADERS, True)
    assert [data for _, data in client.pieces] == [b"data: 1\n\n", b"", b": x\n\n"]
    assert room.left == 100 - 14
    assert recording.close() == WholeAnswer(200, HEADERS, b"data: 1\n\n: x\n\n", streamed=True)
    assert room.left == 100


async def test_an_answer_in_one_piece_is_remembered_as_one() -> None:
    client, room = Client(), Room(100)
    recording = Recording(client, room)
    await recording.send(201, {"a": "b"}, b"{}")
    assert (client.status, client.body, client.ended) == (201, b"{}", True)
    assert recording.close() == WholeAnswer(201, {"a": "b"}, b"{}", streamed=False)


async def test_what_has_no_end_is_not_whole() -> None:
    room = Room(100)
    recording = Recording(Client(), room)
    await recording.start(200, HEADERS)
    await recording.write(b"data: 1\n\n")
    assert recording.close() is None
    assert room.left == 100
    assert Recording(Client(), room).close() is None


async def test_an_answer_that_is_too_large_reaches_its_client_and_takes_no_room() -> None:
    client, room = Client(), Room(100)
    recording = Recording(client, room, largest=10)
    await recording.start(200, HEADERS)
    await recording.write(b"x" * 10)
    assert room.left == 90
    await recording.write(b"y")
    assert room.left == 100
    await recording.write(b"z")
    await recording.end()
    assert client.body == b"x" * 10 + b"yz"
    assert recording.close() is None
    assert room.left == 100


async def test_what_all_recordings_hold_is_bounded() -> None:
    room = Room(15)
    first, second = Recording(Client(), room), Recording(Client(), room)
    for recording in (first, second):
        await recording.start(200, HEADERS)
        await recording.write(b"x" * 10)
        await recording.end()
    assert room.left == 5
    assert second.close() is None
    assert first.close() is not None
    assert room.left == 15


async def test_what_is_put_is_remembered_only_if_it_was_taken() -> None:
    async def busy(verb: str) -> None:
        """A client for which nothing goes out without waiting."""

    for client, passed in ((Client(), b"x"), (Client(busy), b"")):
        recording = Recording(client, Room(100))
        await recording.start(200, HEADERS)
        assert recording.put(b"x") is bool(passed)
        await recording.end()
        assert client.body == passed
        assert recording.close() == WholeAnswer(200, HEADERS, passed, streamed=True)
