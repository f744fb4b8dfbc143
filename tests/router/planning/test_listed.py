"""Requests from tables, as people have them."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.simulate import Arrival
from router.planning.faults import BadInput
from router.planning.listed import MOST_TOKENS, is_list, read


def table(folder: Path, *lines: str) -> Path:
    path = folder / "log.csv"
    path.write_text("\n".join(lines))
    return path


def test_three_columns_are_enough_with_a_head_or_without(tmp_path: Path) -> None:
    wanted = [Arrival(0.5, 12, 30), Arrival(2.0, 0, 1)]
    assert read(table(tmp_path, "0.5,12,30", "2,0,1"))[0] == wanted
    assert read(table(tmp_path, "time,in,out", "0.5,12,30", "", "2,0,1"))[0] == wanted


def test_columns_may_stand_in_any_order_where_the_head_names_them(tmp_path: Path) -> None:
    path = table(tmp_path, "tenant,Tokens_In,arrival,tokens_out,note", "team,12,1.5,30,x")
    assert read(path)[0] == [Arrival(1.5, 12, 30, tenant="team")]


def test_model_and_tenant_may_be_left_open(tmp_path: Path) -> None:
    path = table(tmp_path, "0,1,2,chat,team", "1,1,2,chat", "2,1,2")
    assert read(path)[0] == [
        Arrival(0.0, 1, 2, model="chat", tenant="team"),
        Arrival(1.0, 1, 2, model="chat"),
        Arrival(2.0, 1, 2),
    ]


def test_an_arrival_may_be_a_date_with_a_time(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "TIMESTAMP,ContextTokens,GeneratedTokens",
        "2023-11-16 18:17:03.9799600,4808,10",
        "2023-11-16T18:17:05+00:00,110,27",
    )
    first, second = read(path)[0]
    assert second.at - first.at == pytest.approx(1.02004)
    assert (first.input_tokens, second.output_tokens) == (4808, 27)


def test_a_packed_table_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(b"0,1,2\n"))
    assert is_list(path)
    assert read(path)[0] == [Arrival(0.0, 1, 2)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1,2", "log.csv:2: 2 columns; write arrival,tokens_in,tokens_out"),
        ("soon,1,2", 'log.csv:2: arrival "soon" is no instant; write seconds, or 2026'),
        ("nan,1,2", 'log.csv:2: arrival "nan" is no instant'),
        ("1,-2,2", 'log.csv:2: tokens_in "-2" is no count of tokens'),
        ("1,2,many", 'log.csv:2: tokens_out "many" is no count of tokens'),
        (f"1,2,{MOST_TOKENS + 1}", "log.csv:2: tokens_out"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_with_what_to_write(
    tmp_path: Path, line: str, said: str
) -> None:
    with pytest.raises(BadInput) as told:
        read(table(tmp_path, "0,1,1", line))
    assert said in str(told.value)


def test_a_head_that_lacks_a_column_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match='no column tokens_in; did you mean "token_in"'):
        read(table(tmp_path, "arrival,token_in,tokens_out", "0,1,1"))


def test_what_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    for name, content in (("a.csv", b"\xff\xfe\x00"), ("b.csv.gz", b"0,1,1\n")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(BadInput, match="it is no table of text"):
            read(path)


@given(text=st.text(alphabet='0123456789.,-:T"\n ae', max_size=80))
def test_whatever_stands_there_is_read_or_named_by_its_line(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "whatever.csv"
    path.write_text(text)
    try:
        arrivals, _ = read(path)
    except BadInput as error:
        assert str(path) in str(error)  # noqa: PT017 - either is right
    else:
        assert all(each.input_tokens >= 0 for each in arrivals)
