from __future__ import annotations

import io

from rich.console import Console

from rareseg.report.load_runs import load_runs
from rareseg.report.results import split_results
from rareseg.report.text_summary import text_summary


def test_table_names_every_strategy_best_first(runs):
    console = Console(file=io.StringIO(), width=120)
    console.print(text_summary(load_runs(runs)))
    text = console.file.getvalue()
    for word in ("baseline", "focal_iscf", "oversampled_cavity", "wce_icf", "IoU", "precision", "95"):
        assert word in text
    assert text.index("focal_iscf") < text.index("baseline")
    assert "Mean of agglomeration, crack, cavity" in text


def test_it_fits_a_narrow_terminal(runs):
    console = Console(file=io.StringIO(), width=80)
    console.print(text_summary(load_runs(runs)))
    assert max(len(line) for line in console.file.getvalue().splitlines()) <= 80


def test_a_class_that_one_group_holds_is_left_out_and_named(runs):
    study = load_runs(runs)
    console = Console(file=io.StringIO(), width=200)
    console.print(text_summary(study, split_results(study, split="val")))
    text = " ".join(console.file.getvalue().split())
    assert "Mean of agglomeration, crack (left out, as one group alone holds them: cavity)" in text
    assert "no interval" not in text


def test_top_pairs_stand_below(runs):
    study = load_runs(runs)
    console = Console(file=io.StringIO(), width=300)
    console.print(text_summary(study))
    text = " ".join(console.file.getvalue().split())
    assert "focal_iscf against baseline: +0." in text and "better with a chance of 9" in text
    runner_up = split_results(study, split="test").ranked[1].name
    assert f"focal_iscf against {runner_up}: +0." in text
