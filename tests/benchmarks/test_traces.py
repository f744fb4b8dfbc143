import gzip
from pathlib import Path

import pytest

from benchmarks.traces import trace
from policies.simulate import Arrival

RECORDED = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2023-11-17 18:15:46.6805900,0,0
"""


class TestTrace:
    def written(self, folder: Path, name: str, text: str = RECORDED) -> Path:
        path = folder / name
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
        return path

    @pytest.mark.parametrize("name", ["trace.csv", "trace.csv.gz"])
    def test_a_file_is_replayed_from_its_first_request_on(self, tmp_path: Path, name: str):
        first, second, third = trace(self.written(tmp_path, name))
        assert first == Arrival(0.0, 374, 44)
        assert second.at == pytest.approx(4.314579, abs=1e-6)
        assert second[1:4] == (396, 109, True)
        assert third == Arrival(86_400.0, 1, 1)

    def test_whole_seconds_and_zones_are_understood(self, tmp_path: Path):
        text = (
            "TIMESTAMP,ContextTokens,GeneratedTokens\n"
            "2024-05-10 00:00:00+00:00,10,20\n"
            "2024-05-10 00:00:01.5000000+00:00,10,20\n"
        )
        path = self.written(tmp_path, "trace.csv", text)
        assert [arrival.at for arrival in trace(path)] == [0.0, 1.5]

    def test_it_can_be_asked_for_in_one_piece(self, tmp_path: Path):
        path = self.written(tmp_path, "trace.csv")
        assert not any(arrival.stream for arrival in trace(path, stream=False))

    def test_other_columns_are_an_error_that_names_the_one_missing(self, tmp_path: Path):
        path = self.written(tmp_path, "trace.csv", "when,in,out\n1,2,3\n")
        with pytest.raises(KeyError, match="TIMESTAMP"):
            list(trace(path))
