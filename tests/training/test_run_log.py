from __future__ import annotations

from pathlib import Path

from rareseg.training.run_log import COLUMNS, RunLog


def _row(log: RunLog, step: int) -> None:
    log.append(step, loss=0.5, lr=1e-3, val_score=None, patches_per_second=3.0, elapsed_seconds=step / 10)


def test_a_resumed_log_drops_later_and_torn_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    log = RunLog(path, keep_until=0)
    for step in (10, 20, 30):
        _row(log, step)
    log.close()
    with path.open("a") as file:
        file.write("40,0.5,0.0")
    log = RunLog(path, keep_until=20)
    _row(log, 30)
    log.close()
    lines = path.read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert [line.split(",")[0] for line in lines[1:]] == ["10", "20", "30"]
