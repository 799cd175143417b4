"""One HTML page from the artefacts of a study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rareseg.artefacts import write_text
from rareseg.report.contest_results import contest_results
from rareseg.report.headline import make_headline
from rareseg.report.load_runs import StudyRuns, load_runs
from rareseg.report.page import Section, render_fragment, render_page
from rareseg.report.results import SplitResults, split_results
from rareseg.report.section_compare import compare_section
from rareseg.report.section_contests import contests_section
from rareseg.report.section_cost import cost_section
from rareseg.report.section_data import data_section
from rareseg.report.section_exposure import exposure_section
from rareseg.report.section_gate import gate_section
from rareseg.report.section_labels import labels_section
from rareseg.report.section_panels import panels_section
from rareseg.report.section_repeat import repeat_section
from rareseg.report.section_results import charts_section, results_section
from rareseg.report.section_runs import runs_section
from rareseg.report.section_scoring import scoring_section, scoring_sentence
from rareseg.report.section_stability import stability_section
from rareseg.report.section_thresholds import thresholds_section
from rareseg.report.threshold_results import threshold_results

__all__ = ["write_report"]


def write_report(
    runs: Path, out: Path, *, interval: float = 0.95, progress: Callable[[str], None] | None = None
) -> Path:
    """Write one self-contained HTML page on the runs of a study, from what they left on disk.

    Neither the dataset nor the weights are needed. Failed and unfinished runs are named and left out.

    Args:
        runs: Folder that ``rareseg run`` wrote.
        out: The HTML file to write; its folder is made.
        interval: Share of the bootstrap resamples inside an interval, in (0, 1).
        progress: Called with a few words before each part.

    Returns:
        ``out``.

    Raises:
        ArtefactError: There is no finished run, or an artefact is damaged.
        OptionError: ``interval`` is out of range.

    Example:
        >>> import tempfile
        >>> from rareseg.config.study import StudySettings
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> from rareseg.study.run_study import run_study
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     data = write_foil_dataset(Path(folder) / "data", num_images=4, size=(96, 96))
        ...     settings = StudySettings(
        ...         name="first",
        ...         dataset=str(data),
        ...         seeds=[0],
        ...         budget={"steps": 2, "batch_size": 2, "patch_size": 32},
        ...         base={"model": {"name": "unet", "base_channels": 4, "depth": 2}},
        ...         strategies={"baseline": {}},
        ...     )
        ...     runs = run_study(settings, Path(folder) / "runs", device="cpu").runs
        ...     page = write_report(runs, Path(folder) / "report.html")
        ...     page.name, page.read_text(encoding="utf-8")[:15]
        ('report.html', '<!doctype html>')
    """
    say = progress or (lambda _: None)
    say("reading runs")
    study = load_runs(runs)
    results = []
    for split in study.splits:
        say(f"figures of the {split} split")
        results.append(split_results(study, split=split, interval=interval))
    whole = []
    if study.left_out.images:
        say("figures with all images")
        whole = [
            split_results(study.with_all_images(), split=found.split, interval=interval) for found in results
        ]
    contests = [found for one in results if (found := contest_results(study, one, interval=interval))]
    scans = {one.split: threshold_results(study, one, interval=interval) for one in results}
    say("charts and tables")
    sections = [
        _headline_section(study, results[0], interval=interval, whole=whole[0] if whole else None),
        data_section(study),
        runs_section(study),
        results_section(study, results, interval=interval),
        contests_section(study, contests, interval=interval),
        thresholds_section(study, scans, interval=interval),
        scoring_section(study, results, whole, interval=interval),
        charts_section(study, results),
        compare_section(study, results, interval=interval),
        stability_section(study, results, interval=interval),
        labels_section(study, results, interval=interval),
        gate_section(study),
        exposure_section(study),
        cost_section(study, results[0]),
    ]
    say("panels")
    sections += [panels_section(study, split=results[0].split), repeat_section(study, interval=interval)]
    page = render_page(
        str(study.study.get("name") or study.data["name"]),
        [section for section in sections if section is not None],
        subtitle=_subtitle(study, results[0]),
        footer=_footer(study),
    )
    write_text(Path(out), page)
    return Path(out)


def _headline_section(
    study: StudyRuns, results: SplitResults, *, interval: float, whole: SplitResults | None
) -> Section:
    notes = [scoring_sentence(study, results, whole)] if whole else []
    headline = make_headline(study, results, interval=interval, notes=notes)
    return Section("summary", "In short", render_fragment("report_headline.html.j2", headline=headline))


def _subtitle(study: StudyRuns, results: SplitResults) -> str:
    numbers = {
        "strategy": len(study.strategies),
        "seed": len({run.seed for run in study.runs}),
        "image": results.num_images,
    }
    plurals = {"strategy": "strategies", "seed": "seeds", "image": "images"}
    strategies, seeds, images = (
        f"{count} {noun if count == 1 else plurals[noun]}" for noun, count in numbers.items()
    )
    return f"{strategies}, {seeds}, judged on {images}"


def _footer(study: StudyRuns) -> str:
    from importlib.metadata import version

    num_runs = sum(run.finished for run in study.runs)
    return f"Made by rareseg {version('rareseg')} from the counts that {num_runs} runs left."
