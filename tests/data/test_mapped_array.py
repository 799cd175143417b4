"""Arrays in files: what is mapped, what is decompressed and where, and that damage is our own error."""

from __future__ import annotations

import io
import multiprocessing
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rareseg.data.array_cache import array_cache
from rareseg.data.array_file import array_in, arrays_text, list_arrays
from rareseg.data.mapped_array import MappedArray
from rareseg.errors import ConfigError, DataError, MissingFileError, RaresegError, UnreadableFileError

# A busy machine draws examples slowly; fixtures of a folder are overwritten by each example.
UNCHECKED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

VALUES = np.arange(60, dtype=np.int32).reshape(3, 4, 5)


def base_of(array: np.ndarray[Any, Any]) -> Any:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def resident() -> int:
    """Bytes that this process holds of its own and of mapped files."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096


@pytest.mark.parametrize("order", ["C", "F"])
def test_uncompressed_members_and_files_are_mapped(tmp_path: Path, order: Any) -> None:
    values = np.asarray(VALUES, order=order)
    # The long name and a first member move the second one's offset.
    np.savez(tmp_path / "a.npz", **{"a" * 50: np.zeros(7), "values": values})
    np.save(tmp_path / "b.npy", values)
    for path, key in ((tmp_path / "a.npz", "values"), (tmp_path / "b.npy", "b")):
        array = MappedArray(list_arrays(path)[key]).open()
        assert isinstance(array, np.memmap)
        np.testing.assert_array_equal(array, VALUES)
        assert array.dtype == np.int32
        assert not array.flags.writeable


def test_a_member_is_mapped_where_its_own_header_ends(tmp_path: Path) -> None:
    """The extra field of the local header may be longer than that of the table at the end of the file."""
    raw = io.BytesIO()
    np.save(raw, VALUES)
    info = zipfile.ZipInfo("values.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("other.npy", raw.getvalue())
        with archive.open(info, "w", force_zip64=True) as member:
            member.write(raw.getvalue())
    array = MappedArray(list_arrays(tmp_path / "a.npz")["values"]).open()
    assert isinstance(array, np.memmap)
    np.testing.assert_array_equal(array, VALUES)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell resident memory")
def test_reading_a_tile_does_not_load_the_stack(tmp_path: Path) -> None:
    size = 96 << 20
    np.savez(tmp_path / "a.npz", images=np.zeros((size >> 16, 256, 256), np.uint8))
    before = resident()
    array = MappedArray(list_arrays(tmp_path / "a.npz")["images"]).open()
    assert array[700, 3:50, 4:90].sum() == 0
    assert resident() - before < size // 8


def test_compressed_members_stay_in_memory_only_if_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RARESEG_CACHE", str(tmp_path / "cache"))
    data = tmp_path / "data"
    data.mkdir()
    np.savez_compressed(data / "a.npz", values=np.asfortranarray(VALUES), other=VALUES)
    place = list_arrays(data / "a.npz")["values"]
    small = MappedArray(place, memory_limit=240).open()
    assert not isinstance(base_of(small), np.memmap)
    assert not (tmp_path / "cache").exists()
    large = MappedArray(place, memory_limit=239).open()
    assert isinstance(large, np.memmap)
    for array in (small, large):
        np.testing.assert_array_equal(array, VALUES)
    (kept,) = (tmp_path / "cache").iterdir()
    written = kept.stat().st_mtime_ns
    np.testing.assert_array_equal(MappedArray(place, memory_limit=0).open(), VALUES)
    assert kept.stat().st_mtime_ns == written
    assert [path.name for path in data.iterdir()] == ["a.npz"]
    np.savez_compressed(data / "a.npz", values=VALUES + 1)
    changed = MappedArray(list_arrays(data / "a.npz")["values"], memory_limit=0).open()
    np.testing.assert_array_equal(changed, VALUES + 1)


def test_the_cache_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RARESEG_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert array_cache() == tmp_path / "rareseg"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert array_cache() == tmp_path / "home/.cache/rareseg"


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RARESEG_CACHE", str(tmp_path / "file"))
    np.savez_compressed(tmp_path / "a.npz", values=VALUES)
    array = MappedArray(list_arrays(tmp_path / "a.npz")["values"], memory_limit=0)
    with pytest.raises(DataError, match=r"compressed array '.*a\.npz:values' needs .* RARESEG_CACHE"):
        array.open()


def _sum_of(array: MappedArray) -> tuple[int, str]:
    opened = array.open()
    return int(opened[-1].sum()), type(opened).__name__


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_other_processes_get_the_place_and_not_the_values(tmp_path: Path, save: Any) -> None:
    save(tmp_path / "a.npz", values=np.ones((300, 1000), np.uint8))
    array = MappedArray(list_arrays(tmp_path / "a.npz")["values"])
    array.open()
    assert len(pickle.dumps(array)) < 1000
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        total, kind = pool.apply(_sum_of, (array,))
    assert total == 1000
    assert kind == ("memmap" if save is np.savez else "ndarray")


def test_python_objects_are_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", good=VALUES, bad=np.array([{"a": 1}, None], dtype=object))
    np.save(tmp_path / "b.npy", np.array([1, "x"], dtype=object), allow_pickle=True)
    for path in (tmp_path / "a.npz", tmp_path / "b.npy"):
        with pytest.raises(UnreadableFileError, match="holds Python objects, which are not loaded"):
            list_arrays(path)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"a\.npz' does not exist"):
        list_arrays(tmp_path / "a.npz")
    with pytest.raises(MissingFileError, match=r"holds no \.npy file"):
        list_arrays(tmp_path)
    np.savez(tmp_path / "many.npz", **{f"x{n}": np.float64(n) for n in range(30)})
    assert arrays_text(list_arrays(tmp_path / "many.npz")).endswith("x19 one number float64 and 10 more")


def test_a_header_that_promises_more_than_there_is(tmp_path: Path) -> None:
    raw = io.BytesIO()
    np.lib.format.write_array_header_1_0(raw, {"descr": "|u1", "fortran_order": False, "shape": (10**15, 9)})
    (tmp_path / "a.npy").write_bytes(raw.getvalue() + b"12345")
    with pytest.raises(UnreadableFileError, match="needs 9000000000000000 bytes, but 5 are there"):
        list_arrays(tmp_path / "a.npy")


def read_all(path: Path) -> None:
    """Opened and read, or refused by an error of our own."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy warns of headers that Python 2 wrote
            for place in list_arrays(path).values():
                np.asarray(MappedArray(place).open()).copy()
    except RaresegError as error:
        assert "\n" not in str(error)


def _stack(compressed: bool) -> bytes:
    raw = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(
        raw, images=VALUES, split=np.array(["train", "val", "x"])
    )
    return raw.getvalue()


@settings(max_examples=150, deadline=None, suppress_health_check=UNCHECKED)
@given(data=st.data())
def test_damaged_files_are_our_own_error(tmp_path: Path, data: st.DataObject) -> None:
    ending = data.draw(st.sampled_from([".npz", ".npy"]))
    if ending == ".npz":
        good = bytearray(_stack(data.draw(st.booleans())))
    else:
        raw = io.BytesIO()
        np.save(raw, VALUES)
        good = bytearray(raw.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(good) - 1), max_size=4)):
        good[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(good)))
    path = tmp_path / f"fuzz{ending}"
    path.write_bytes(bytes(good[:cut] if data.draw(st.booleans()) else good))
    read_all(path)


@settings(max_examples=100, deadline=None, suppress_health_check=UNCHECKED)
@given(
    header=st.text(max_size=60)
    | st.dictionaries(
        st.sampled_from(["descr", "fortran_order", "shape"]),
        st.one_of(
            st.sampled_from(["|u1", "<f4", "|O", "<U3", "<M8[s]", "|V9", [("a", "<i4")]]),
            st.booleans(),
            st.none(),
            st.lists(st.integers(-3, 9), max_size=4).map(tuple),
        ),
    ).map(repr)
)
def test_odd_headers_are_our_own_error(tmp_path: Path, header: str) -> None:
    text = header.encode()
    magic = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little")
    path = tmp_path / "odd.npy"
    path.write_bytes(magic + text + bytes(300))
    read_all(path)


def test_no_key_is_an_error_that_lists_them(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz")
    assert list_arrays(tmp_path / "a.npz") == {}
    with pytest.raises(ConfigError, match=r"no array 'x'\. Mend `npz\.images`\. It holds: no array"):
        array_in({}, "x", tmp_path / "a.npz", option="npz.images")
