"""The sockets at which clients arrive: one port, each worker's own, kept when a worker is gone."""

import socket
from contextlib import ExitStack

import pytest

from router.config import Address
from router.workers.doors import SPREADS, Doors, close

FREE = Address("127.0.0.1", 0)


@pytest.mark.parametrize("each", [True, False])
def test_all_workers_listen_at_one_port(each):
    doors = Doors(FREE, each=each)
    opened = [doors.open() for _ in range(3)]
    port = int(doors.address.rpartition(":")[2])
    assert {one.getsockname() for sockets in opened for one in sockets} == {("127.0.0.1", port)}
    for sockets in opened:
        close(sockets)
    doors.close()


def test_a_name_with_several_addresses_has_one_port_at_all_of_them():
    doors = Doors(Address("localhost", 0))
    opened = doors.open()
    assert len({one.getsockname()[1] for one in opened}) == 1
    close(opened)
    doors.close()


@pytest.mark.skipif(not SPREADS, reason="only Linux spreads connections over sockets")
def test_connections_are_spread_over_the_sockets_of_workers():
    doors = Doors(FREE)
    first, second = doors.open()[0], doors.open()[0]
    with first, second, ExitStack() as stack:
        for one in (first, second):
            one.listen(128)
            one.setblocking(False)
        for _ in range(64):
            stack.enter_context(socket.create_connection(first.getsockname()))
        taken = [len(accepted(one)) for one in (first, second)]
        assert sum(taken) == 64
        assert min(taken) > 8
    doors.close()


def accepted(door: socket.socket) -> list[None]:
    found: list[None] = []
    while True:
        try:
            taken, _ = door.accept()
        except BlockingIOError:
            return found
        taken.close()
        found.append(None)


@pytest.mark.parametrize("each", [True, False])
def test_who_waits_at_the_door_of_a_worker_that_is_gone_is_let_in_by_the_next(each):
    doors = Doors(FREE, each=each)
    (ours,) = doors.open()
    with ours, ours.dup() as its:
        its.listen(8)
        with socket.create_connection(ours.getsockname()) as client:
            its.close()
            with ours.dup() as the_next:
                taken, _ = the_next.accept()
                with taken:
                    taken.sendall(b"x")
                    assert client.recv(1) == b"x"
    doors.close()


def test_a_port_where_somebody_listens_cannot_be_had_although_it_could_be_shared():
    doors = Doors(FREE)
    (door,) = doors.open()
    with door:
        door.listen()
        with pytest.raises(OSError, match="in use"):
            Doors(Address("127.0.0.1", door.getsockname()[1]))
    doors.close()


def test_the_port_is_free_when_the_last_has_left():
    doors = Doors(FREE)
    (door,) = doors.open()
    port = door.getsockname()[1]
    door.listen()
    doors.close()
    with socket.create_connection(door.getsockname()):
        pass
    door.close()
    Doors(Address("127.0.0.1", port)).close()
