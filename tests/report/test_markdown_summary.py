from __future__ import annotations

from pathlib import Path

import numpy as np

from rareseg.artefacts import read_parquet
from rareseg.report.load_runs import load_runs
from rareseg.report.markdown_summary import markdown_summary


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_tables_hold_what_the_counts_say(finished_study: Path) -> None:
    text = markdown_summary(load_runs(finished_study))
    assert "### Test: 3 images of 1 groups" in text
    assert "### Validation: 3 images of 1 groups" in text
    test = text.split("### Validation")[0].splitlines()
    found = next(_cells(line) for line in test if line.startswith("| remedy | IoU"))
    expected = []
    for name in ("square", "line"):
        per_seed = []
        for seed in (0, 1):
            rows = read_parquet(finished_study / "remedy" / f"seed-{seed}" / "counts.parquet").to_pylist()
            rows = [r for r in rows if (r["step"], r["split"], r["class"]) == (12, "test", name)]
            tp, fp, fn = (sum(r[key] for r in rows) for key in ("tp", "fp", "fn"))
            per_seed.append(tp / (tp + fp + fn))
        expected.append(float(np.mean(per_seed)))
    assert np.allclose(
        [float(cell.replace("e\N{MINUS SIGN}", "e-")) for cell in found[2:]], expected, rtol=0.02, atol=5e-4
    )


def test_rows_of_a_table_have_as_many_cells_as_its_head(runs: Path) -> None:
    text = markdown_summary(load_runs(runs))
    width = 0
    for line in text.splitlines():
        if line.startswith("|"):
            width = width or len(_cells(line))
            assert len(_cells(line)) == width, line
        else:
            width = 0


def test_top_pairs_are_told(runs: Path) -> None:
    test, val = markdown_summary(load_runs(runs)).split("### Validation")
    for text in (test, val):
        told = [line for line in text.splitlines() if line.startswith("- ")]
        assert len(told) in (1, 2)
        assert any("against baseline: +0." in line and "better with a chance of" in line for line in told)
