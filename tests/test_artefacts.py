from __future__ import annotations

import os
from pathlib import Path

import pytest

from rareseg.artefacts import (
    atomic_path,
    read_csv,
    read_json,
    read_parquet,
    read_yaml,
    write_csv,
    write_json,
    write_parquet,
    write_text,
    write_yaml,
)
from rareseg.errors import ArtefactError, ConfigError


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="half way"), atomic_path(path) as temporary:
        temporary.write_text("new and half")
        raise RuntimeError("half way")
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["a.txt"]


def test_written_files_obey_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_json_round_trip_writes_nan_as_null(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"x": float("nan"), "y": [1, float("inf")], "z": {"k": 2.5}}, kind="thing")
    assert read_json(path, kind="thing") == {
        "artefact": "thing/1",
        "x": None,
        "y": [1, None],
        "z": {"k": 2.5},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[1]", "should be a thing/1 file, but is list"),
        ('{"artefact": "other/1"}', "but is other/1"),
    ],
)
def test_json_of_another_kind_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ArtefactError, match=message):
        read_json(path, kind="thing")


def test_missing_json_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"none\.json' does not exist; run the step"):
        read_json(tmp_path / "none.json", kind="thing")


def test_yaml_round_trip_and_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    write_yaml(path, {"b": 1, "a": [1, 2]})
    assert read_yaml(path) == {"b": 1, "a": [1, 2]}
    path.write_text("a: [1, 2\nb: 3\n")
    with pytest.raises(ConfigError, match="not valid YAML at line 2"):
        read_yaml(path)
    path.write_text("- 1\n")
    with pytest.raises(ConfigError, match="should hold keys and values, but holds list"):
        read_yaml(path)


def test_csv_round_trip_and_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_csv(path, [{"x": 1, "y": "a,b"}], columns=["x", "y"])
    assert read_csv(path) == [{"x": "1", "y": "a,b"}]
    path.write_text("x,y\n1,2\n3\n")
    with pytest.raises(ConfigError, match="line 3 does not have 2 cells"):
        read_csv(path)


def test_parquet_round_trip_and_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, {"x": [1, 2], "y": [[1], [2, 3]]})
    assert read_parquet(path).to_pydict() == {"x": [1, 2], "y": [[1], [2, 3]]}
    path.write_bytes(b"PAR1 broken")
    with pytest.raises(ArtefactError, match="cannot be read as Parquet"):
        read_parquet(path)
