from __future__ import annotations

from pathlib import Path

import pytest

from rareseg.config.dataset import DatasetSettings, load_dataset_settings
from rareseg.config.load import parse_settings
from rareseg.config.study import StudySettings, load_study_settings
from rareseg.errors import ConfigError

DATASET = {"name": "d", "classes": [{"name": "background"}, {"name": "crack"}]}
STUDY = {"name": "s", "strategies": {"baseline": None}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": {}}, r"there is no key 'mask'\. Did you mean 'masks'\?"),
        (
            {"masks": {"kin": "rgb"}},
            r"there is no key 'masks\.kin'\. Did you mean 'kind'\? Known here: .*threshold",
        ),
        ({"classes": [{"name": "a"}]}, "classes: Tuple should have at least 2 items"),
        ({"classes": [{"name": "a"}, {"name": "a"}]}, "two classes share the name 'a'"),
        ({"classes": [{"name": "a", "value": 1}, {"name": "b"}]}, "two classes share a value"),
        ({"classes": [{"name": "a", "color": "#12"}, {"name": "b"}]}, "a colour is written '#rrggbb'"),
        ({"masks": {"kind": "rgb"}}, "these classes have no color: background, crack"),
        ({"masks": {"kind": "per_class"}}, "these classes have no folder: crack"),
        ({"masks": {"ignore": 1}}, "masks.ignore is 1, which is also the value of a class"),
        ({"split": {"kind": "column"}}, "no 'samples' table is given"),
        ({"split": {"kind": "lists"}}, "needs the keys 'train' and 'val'"),
        ({"split": {"kind": "kfold", "fold": 7}}, "must be below 'folds'"),
        ({"split": {"fractions": [0.5, 0.5, 0.5]}}, "must be three shares that sum to 1"),
        ({"group": {}}, "give either 'column' or 'pattern'"),
        ({"pixel_size": -1}, r"pixel_size: Input should be greater than 0 \(came: -1\)"),
    ],
)
def test_dataset_mistakes_name_key_and_cure(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_settings(DatasetSettings, {**DATASET, **change}, where="dataset.yaml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strategies": {}}, "at least 1 item"),
        ({"strategies": {"a/b": {}}}, "strategy names become folders"),
        ({"seeds": [1, 1]}, "different whole numbers"),
        (
            {"budget": {"steps": 10}, "record": {"checkpoint_steps": [20]}},
            "holds 20, but the run ends at step 10",
        ),
        ({"budget": {"stesp": 10}}, r"no key 'budget\.stesp'\. Did you mean 'steps'"),
        ({"base": {"schedule": {"warmup_steps": 10_000}}}, "warmup_steps is longer than the run"),
        ({"base": {"loss": {"gamma": 2}}}, "give a name"),
        ({"base": {"phases": [{"share": 0.5}]}}, "must sum to 1"),
    ],
)
def test_study_mistakes_name_key_and_cure(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_settings(StudySettings, {**STUDY, **change}, where="study.yaml")


def test_a_strategy_changes_the_base_and_nothing_else() -> None:
    study = parse_settings(
        StudySettings,
        {
            **STUDY,
            "base": {"loss": "focal", "optimizer": {"lr": 0.01}},
            "strategies": {
                "a": None,
                "b": {"loss": {"name": "cross_entropy"}, "optimizer": {"weight_decay": 0.1}},
            },
        },
        where="study.yaml",
    )
    assert study.recipe("a") == study.base
    changed = study.recipe("b")
    assert changed.loss == ({"name": "cross_entropy"},)
    assert (changed.optimizer.lr, changed.optimizer.weight_decay) == (0.01, 0.1)
    assert changed.sampling == study.base.sampling


def test_a_wrong_key_in_a_strategy_is_found_when_loading(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("name: s\nstrategies:\n  x: {los: focal}\n")
    with pytest.raises(ConfigError, match=r"strategies\.x': there is no key 'los'\. Did you mean 'loss'"):
        load_study_settings(tmp_path)


def test_dataset_root_is_relative_to_the_file_and_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "pixels").mkdir()
    (tmp_path / "other").mkdir()
    file = tmp_path / "dataset.yaml"
    file.write_text("name: d\nroot: pixels\nclasses: [{name: a}, {name: b}]\n")
    assert load_dataset_settings(tmp_path).root == str(tmp_path / "pixels")
    assert load_dataset_settings(file, root=tmp_path / "other").root == str(tmp_path / "other")
    with pytest.raises(ConfigError, match=r"is not a folder\. Give the right one: --root FOLDER"):
        load_dataset_settings(file, root=tmp_path / "none")


def test_a_folder_without_dataset_yaml_names_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rareseg inspect --init"):
        load_dataset_settings(tmp_path)


def test_every_committed_study_parses() -> None:
    studies = sorted((Path(__file__).resolve().parents[2] / "studies").glob("*/study.yaml"))
    assert len(studies) >= 3
    for path in studies:
        settings = load_study_settings(path)
        assert Path(settings.dataset).name == "dataset.yaml"


def test_an_optimizer_or_a_schedule_may_be_a_name_alone() -> None:
    study = StudySettings(
        name="a",
        base={"schedule": {"warmup_steps": 5}},
        strategies={"b": {"optimizer": "sgd", "schedule": "cosine"}},
    )
    recipe = study.recipe("b")
    assert (recipe.optimizer.name, recipe.schedule.name, recipe.schedule.warmup_steps) == ("sgd", "cosine", 5)
