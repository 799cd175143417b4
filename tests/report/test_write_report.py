from __future__ import annotations

import base64
import io
import json
import re
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from rareseg.errors import ArtefactError
from rareseg.report.numerals import UNDEFINED
from rareseg.report.write_report import write_report

RARE = ("agglomeration", "crack", "cavity")
INTERVAL = re.compile("^(no interval|\\S+ \N{EN DASH} \\S+) ")
STRATEGIES = ("baseline", "focal_iscf", "oversampled_cavity", "wce_icf")


@pytest.fixture(scope="module")
def page(report, parse):
    return parse(report.read_text())


def pooled(runs, strategy, seed, split, name):
    """tp, fp, fn, tn of the last step, straight from the Parquet file."""
    rows = pq.read_table(runs / strategy / f"seed-{seed}" / "counts.parquet").to_pylist()
    last = max(row["step"] for row in rows)
    keep = [row for row in rows if (row["step"], row["split"], row["class"]) == (last, split, name)]
    return [sum(row[key] for row in keep) for key in ("tp", "fp", "fn", "tn")]


def seeds_of(strategy):
    return (0, 1) if strategy == "wce_icf" else (0, 1, 2)


def mean_rate(runs, strategy, split, names, rate):
    """Mean over seeds of the mean over classes; a seed in which a class is undefined does not count."""
    values = []
    for seed in seeds_of(strategy):
        found = []
        for name in names:
            tp, fp, fn, _ = pooled(runs, strategy, seed, split, name)
            top, bottom = {"iou": (tp, tp + fp + fn), "tpr": (tp, tp + fn), "precision": (tp, tp + fp)}[rate]
            found.append(top / bottom if bottom else np.nan)
        values.append(np.mean(found))
    return np.nanmean(values)


def test_page_is_sound_and_offline(report, page):
    assert page.problems == []
    html = report.read_text()
    assert not re.search(r"https?://", html)
    for tag, attrs in page.tags:
        assert tag != "link"
        for key in ("src", "href"):
            assert attrs.get(key, "#")[:1] == "#" or attrs[key].startswith("data:image/png;base64,")
        if tag == "img":
            assert attrs["alt"].strip()
    assert sum(tag == "h1" for tag, _ in page.tags) == 1
    headings = [attrs.get("id") for tag, attrs in page.tags if tag == "section"]
    assert headings == [
        "summary",
        "data",
        "runs",
        "results",
        "contests",
        "charts",
        "compare",
        "stability",
        "exposure",
        "cost",
        "panels",
        "repeat",
    ]
    tables = sum(tag == "table" for tag, _ in page.tags)
    assert tables == len(page.captions) and all(caption.strip() for caption in page.captions)


def test_ids_are_unique(page):
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.tags:
        for key in ("aria-controls", "aria-labelledby"):
            assert not attrs.get(key) or attrs[key] in ids


def test_data_section_tells_pixels_of_every_class(runs, page):
    data = json.loads((runs / "data.json").read_text())
    train, test = data["splits"]["train"], data["splits"]["test"]
    for name in data["class_names"]:
        row = page.cells(name)[0]
        assert row[3].replace(" ", "") == str(train["class_pixels"][name])
        assert row[9].replace(" ", "") == str(test["class_pixels"][name])
        if name != "background":
            ratio = train["class_pixels"]["background"] / train["class_pixels"][name]
            assert row[2].replace(" ", "") == f"1:{ratio:.0f}"


def test_results_agree_with_the_counts(runs, page):
    """Every pooled IoU, precision and TPR of both splits, recomputed from the files.

    Two groups hold cavities in test and one in val, so both give a mean without them.
    """
    found = [
        row for row in page.cells("") if len(row) == 9 and row[0] in STRATEGIES and INTERVAL.match(row[1])
    ]
    cursor = 0
    for split in ("test", "val"):
        blocks = [RARE, RARE[:2], *[(name,) for name in (*RARE, "background")]]
        for names in blocks:
            for strategy in STRATEGIES:
                row = found[cursor]
                cursor += 1
                assert row[0] == strategy
                for column, rate in ((1, "iou"), (3, "precision"), (4, "tpr")):
                    expected = mean_rate(runs, strategy, split, names, rate)
                    mean = float(INTERVAL.sub("", row[column]).split(" ")[0])
                    assert mean == pytest.approx(expected, abs=6e-4), (split, names, row)
    assert cursor == len(found)


def test_headline_names_the_best_and_its_lead(runs, page):
    def score(strategy):
        return mean_rate(runs, strategy, "test", RARE, "iou")

    best = max(STRATEGIES, key=score)
    assert f"On the test images {best} is best, with a mean IoU of {score(best):.3f}" in page.words
    assert f"{score(best) - score('baseline'):+.3f} in mean IoU (95 % interval" in page.words
    assert "excludes 0" in page.words or "includes 0" in page.words


def test_warnings_name_failures_and_lonely_classes(page):
    assert "One run failed and is left out: wce_icf seed 2." in page.words
    assert "wce_icf, seed 2: The loss became nan at step 341" in page.words
    assert "one group only: no interval" in page.words
    assert "With 2 seeds for a strategy" in page.words


def test_charts_hold_what_the_tables_hold(runs, report):
    specs = re.findall(r'<script type="application/json">(.*?)</script>', report.read_text(), re.S)
    charts = [json.loads(spec) for spec in specs]
    trade_off = charts[0]
    marks = {trace["name"]: trace for trace in trade_off["data"] if "name" in trace}
    for strategy in STRATEGIES:
        expected = mean_rate(runs, strategy, "test", RARE, "tpr")
        assert marks[strategy]["y"][0] == pytest.approx(expected, abs=1e-12)
    seeds = [trace for trace in trade_off["data"] if "seed" in trace["hovertemplate"] and "name" not in trace]
    assert sorted(len(trace["x"]) for trace in seeds) == [2, 3, 3, 3]
    assert all(
        "hovertemplate" in trace or trace["hoverinfo"] == "skip" for c in charts for trace in c["data"]
    )


def test_exposure_tells_shares(page):
    rows = [row for row in page.cells("oversampled_cavity") if len(row) == 10 and "plan" in row[7]]
    assert rows[0][7].startswith("4.40 % ") and "plan 4.40 %" in rows[0][7]
    assert rows[0][9].startswith("8 000")


def test_panels_embed_pictures_that_open(page):
    pictures = [attrs["src"] for tag, attrs in page.tags if tag == "img"]
    assert len(pictures) % 10 == 0 and pictures  # input, annotation, and two for each of four strategies
    for source in pictures[:10]:
        picture = Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))
        assert 96 <= picture.width <= 320 and 96 <= picture.height <= 320


def test_one_strategy_one_seed_val_only(maker, parse, tmp_path):
    runs = maker.make_runs(
        tmp_path / "runs",
        maker.Recipe(
            strategies=("baseline",), seeds=(0,), splits=("val",), failed=(), pictures=False, num_images=4
        ),
    )
    page = parse(write_report(runs, tmp_path / "deep" / "r.html").read_text())
    assert page.problems == []
    assert "On the validation images baseline reaches a mean IoU of" in page.words
    assert "With one seed for a strategy, the spread between its trainings is unknown" in page.words
    assert "There is no test split" in page.words
    assert "panels" not in {attrs.get("id") for _, attrs in page.tags}
    assert "1 strategy, 1 seed, judged on 4 images" in page.words


def test_lonely_class_leaves_a_lead_among_the_others(maker, parse, tmp_path):
    """One group alone holds cavities in the validation images, so the lead is given without them too."""
    recipe = maker.Recipe(strategies=STRATEGIES[:2], splits=("val",), failed=(), pictures=False)
    page = parse(write_report(maker.make_runs(tmp_path / "runs", recipe), tmp_path / "r.html").read_text())
    assert "cavity rests on a single group of the validation images" in page.words
    assert "counting only agglomeration and crack, which two groups or more hold, it is +" in page.words
    captions = [" ".join(caption.split()) for caption in page.captions]
    assert (
        sum(caption.startswith("Against the baseline: differences in the mean of") for caption in captions)
        == 2
    )
    assert "Mean of 2 rare classes in two groups or more" in page.words


def test_unfinished_and_absent_runs_are_told(runs, parse, tmp_path):
    folder = tmp_path / "runs"
    shutil.copytree(runs, folder)
    shutil.rmtree(folder / "baseline" / "seed-2")
    status = folder / "focal_iscf" / "seed-1" / "status.json"
    status.write_text(
        json.dumps({"artefact": "status/1", "state": "running", "step": 5, "steps": 9, "message": ""})
    )
    page = parse(write_report(folder, tmp_path / "r.html").read_text())
    assert "these runs are not done: baseline seed 2, focal_iscf seed 1." in page.words
    assert "2 not begun" in page.words and "1 not done" in page.words


def test_class_without_support_is_undefined_and_left_out(maker, parse, tmp_path):
    """A class that the split does not hold and nobody predicts has a dash, and no mean counts it."""
    runs = maker.make_runs(
        tmp_path / "runs",
        maker.Recipe(strategies=("baseline",), seeds=(0,), failed=(), pictures=False, num_images=4),
    )
    import pyarrow as pa

    path = runs / "baseline" / "seed-0" / "counts.parquet"
    rows = pq.read_table(path).to_pylist()
    for row in rows:
        if row["class"] == "crack":
            row["tn"] += row["tp"] + row["fp"] + row["fn"]
            row["tp"] = row["fp"] = row["fn"] = 0
    pq.write_table(pa.Table.from_pylist(rows), path)
    html = write_report(runs, tmp_path / "r.html").read_text()
    page = parse(html)
    assert UNDEFINED in html
    assert "The test images hold no pixel of crack, so no mean counts it." in page.words
    assert "Mean of 2 rare classes" in page.words


def test_unequal_budgets_are_a_warning(runs, parse, tmp_path):
    folder = tmp_path / "runs"
    shutil.copytree(runs, folder)
    path = folder / "focal_iscf" / "seed-0" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["budget"]["steps"] = 2000
    path.write_text(yaml.safe_dump(config))
    assert "The budgets differ" in parse(write_report(folder, tmp_path / "r.html").read_text()).words


def test_nothing_to_report_is_an_error(tmp_path, maker):
    with pytest.raises(ArtefactError, match="should be a folder of runs, but is none"):
        write_report(tmp_path / "absent", tmp_path / "r.html")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtefactError, match="should hold runs as STRATEGY/seed-N, but holds none"):
        write_report(tmp_path / "empty", tmp_path / "r.html")
    recipe = maker.Recipe(
        strategies=("baseline",),
        seeds=(0, 1),
        failed=(("baseline", 0),),
        running=(("baseline", 1),),
        num_images=2,
    )
    runs = maker.make_runs(tmp_path / "none", recipe)
    with pytest.raises(ArtefactError, match=r"of 2 runs 1 failed \(baseline, seed 0: The loss became nan"):
        write_report(runs, tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_names_are_escaped(runs, parse, tmp_path):
    folder = tmp_path / "runs"
    shutil.copytree(runs, folder)
    study = yaml.safe_load((folder / "study.yaml").read_text())
    study["name"] = "<script>alert('x')</script>"
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    html = write_report(folder, tmp_path / "r.html").read_text()
    assert "<script>alert" not in html
    assert "<script>alert('x')</script>" in parse(html).words


def test_progress_is_told_in_words(runs, tmp_path):
    told = []
    assert write_report(runs, tmp_path / "r.html", progress=told.append) == tmp_path / "r.html"
    assert told[0] == "reading runs" and "panels" in told
