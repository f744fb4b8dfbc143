"""What is said of a server that does not serve."""

import ssl

import pytest

from router.redis.address import address_of
from router.redis.checks import about
from router.redis.down import Refused
from router.redis.faults import Moved, ScriptMissing, fault_of, unreachable

PLAIN = address_of("redis://one")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("READONLY You can't write against a read only replica.", "takes no writes"),
        ("LOADING Redis is loading the dataset in memory", "still loading"),
        ("MASTERDOWN Link with MASTER is down", "whose primary is gone"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "out of memory"),
        ("CLUSTERDOWN The cluster is down", "the cluster is down"),
        ("TRYAGAIN Multiple keys request during rehashing of slot", "being moved"),
        ("ASK 866 127.0.0.1:7001", "being moved"),
        ("MISCONF Redis is configured to save RDB snapshots", "cannot save to its disk"),
        ("NOREPLICAS Not enough good replicas to write.", "too few replicas"),
        ("BUSY Redis is busy running a script.", "busy with a script"),
        ("ERR max number of clients reached", "maxclients"),
        ("upstream failure", "proxy"),
    ],
)
def test_what_passes_is_said_in_a_sentence(text, said):
    fault = fault_of(text)
    assert said in str(fault)
    assert not isinstance(fault, Refused)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("NOAUTH Authentication required.", "asks for a password"),
        ("WRONGPASS invalid username-password pair", "refuses the user or the password"),
        ("NOPERM User me has no permissions to run the 'evalsha' command", "may not use EVALSHA"),
        ("NOPERM No permissions to access a key", "may not use a command or a key"),
        ("MOVED 866 127.0.0.1:7001", "write redis+cluster://"),
        ("DENIED Redis is running in protected mode", "protected mode"),
        ("ERR something else, with more", "answers with an error: ERR something else"),
    ],
)
def test_what_somebody_has_to_change_is_said_to_be_so(text, said):
    fault = fault_of(text)
    assert said in str(fault)
    assert isinstance(fault, Refused)


def test_a_script_that_is_missing_and_keys_that_moved_are_no_fault_of_the_server():
    assert isinstance(fault_of("NOSCRIPT No matching script."), ScriptMissing)
    assert isinstance(fault_of("MOVED 866 127.0.0.1:7001", cluster=True), Moved)


def test_what_a_server_repeats_of_a_command_is_not_said():
    for quote in "'`":
        fault = fault_of(
            f"ERR unknown command {quote}AUTH{quote}, with args beginning with: 'hunter2'"
        )
        assert "hunter2" not in str(fault)


def test_a_connection_that_is_not_made_is_said_in_a_sentence():
    assert "refused" in str(unreachable(ConnectionRefusedError()))
    assert "in time" in str(unreachable(TimeoutError()))
    assert isinstance(unreachable(ssl.SSLError(1, "wrong version number")), Refused)
    assert "No route to host" in str(unreachable(OSError(113, "No route to host")))


def told(**said: str) -> str:
    lines = {"redis_version": "7.2.4", "role": "master", "maxmemory": "0"} | said
    return "# Server\r\n" + "".join(f"{key}:{value}\r\n" for key, value in lines.items())


def test_a_server_is_named_with_its_own_version():
    assert about(told(), PLAIN) == ("Redis 7.2.4", ())
    valkey = told(server_name="valkey", valkey_version="9.1.2")
    assert about(valkey, PLAIN) == ("Valkey 9.1.2", ())


def test_one_that_is_too_old_is_refused():
    with pytest.raises(Refused, match=r"Redis 6\.2\.14 is too old: Redis from 7\.0 on"):
        about(told(redis_version="6.2.14"), PLAIN)


def test_what_somebody_should_look_at_is_a_warning():
    (evicts,) = about(told(maxmemory="1000", maxmemory_policy="allkeys-lru"), PLAIN).warnings
    assert "maxmemory-policy is allkeys-lru" in evicts
    assert about(told(maxmemory_policy="allkeys-lru"), PLAIN).warnings == ()
    (cluster,) = about(told(cluster_enabled="1"), PLAIN).warnings
    assert "write redis+cluster://" in cluster
    assert about(told(cluster_enabled="1"), address_of("redis+cluster://one")).warnings == ()
    (replica,) = about(told(role="slave"), PLAIN).warnings
    assert "replica" in replica
    (silent,) = about(None, PLAIN).warnings
    assert "INFO is refused" in silent
