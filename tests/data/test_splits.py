from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rareseg.config.dataset import SplitSettings
from rareseg.data.group_split import deal_groups
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import Splits, make_splits
from rareseg.errors import ConfigError, SplitError
from rareseg.types import Region, Window

GOOD, BAD = np.zeros((6, 5), np.uint8), np.ones((6, 5), np.uint8)


def samples_of(splits: Splits) -> dict[str, list[str]]:
    return {part.name: [region.sample for region in part.regions] for part in splits.parts}


def test_regions_cut_every_image_in_two(make_folder: Any) -> None:
    source = open_dataset(make_folder({"a": np.zeros((100, 7)), "b": np.zeros((2, 9))}))
    splits = make_splits(source, SplitSettings(kind="region"))
    assert splits.test is None
    assert splits.val.regions == (Region("a", Window(0, 0, 33, 7)), Region("b", Window(0, 0, 1, 9)))
    assert splits.train.regions == (Region("a", Window(33, 0, 67, 7)), Region("b", Window(1, 0, 1, 9)))
    across = make_splits(source, SplitSettings(kind="region", axis="cols", val_share=0.5))
    assert across.val.regions[1].window == Window(0, 0, 2, 4)
    assert across.train.regions[1].window == Window(0, 4, 2, 5)
    with pytest.raises(SplitError, match="image of 'a' has 1 rows, too few to cut"):
        make_splits(open_dataset(make_folder({"a": np.zeros((1, 7))})), SplitSettings(kind="region"))


def table(folder: Path, *lines: str) -> None:
    (folder / "index.csv").write_text("\n".join(("sample_id,image,group,split", *lines)) + "\n")


def test_a_column_says_the_part(make_folder: Any, tmp_path: Path) -> None:
    make_folder({"a": GOOD, "b": BAD, "c": GOOD, "d": GOOD})
    table(
        tmp_path,
        *(
            f"{n},images/{n}.png,g{n},{p}"
            for n, p in zip("abcd", ("train", "val", "unused", "test"), strict=True)
        ),
    )
    source = open_dataset(make_folder({}, samples="index.csv", split={"kind": "column"}))
    splits = make_splits(source, SplitSettings(kind="column"))
    assert samples_of(splits) == {"train": ["a"], "val": ["b"], "test": ["d"]}
    assert splits.train.regions[0].window == Window(0, 0, 6, 5)
    with pytest.raises(ConfigError, match="has no column 'part'"):
        make_splits(source, SplitSettings(kind="column", column="part"))
    table(tmp_path, "a,images/a.png,g1,train", "b,images/b.png,g2,valid")
    source = open_dataset(make_folder({}, samples="index.csv"))
    with pytest.raises(
        SplitError,
        match="The part 'val' is empty: the column 'split' gives 1 samples to train, 1 samples to valid",
    ):
        make_splits(source, SplitSettings(kind="column"))


def test_a_group_in_two_parts_is_named_with_its_samples(make_folder: Any, tmp_path: Path) -> None:
    make_folder({"a": GOOD, "b": BAD, "c": GOOD})
    table(tmp_path, "a,images/a.png,tile1,train", "b,images/b.png,tile2,val", "c,images/c.png,tile1,val")
    source = open_dataset(make_folder({}, samples="index.csv", group={"column": "group"}))
    text = "The group 'tile1' lies in two parts: 'a' is in train, 'c' in val. Move one of them"
    with pytest.raises(SplitError, match=text):
        make_splits(source, SplitSettings(kind="column"))


def test_lists_are_csv_or_text(make_folder: Any, tmp_path: Path) -> None:
    source = open_dataset(make_folder({"a": GOOD, "b": BAD, "c": GOOD, "d": GOOD}, exclude=["d"]))
    (tmp_path / "train.txt").write_text("a\n\nc\nd\n")
    (tmp_path / "val.csv").write_text("width,sample_id\n3,b\n")
    lists = SplitSettings(kind="lists", train="train.txt", val="val.csv")
    assert samples_of(make_splits(source, lists)) == {"train": ["a", "c"], "val": ["b"]}
    (tmp_path / "train.txt").write_text("a\nscan\n")
    with pytest.raises(SplitError, match=r"train.txt' line 2 names the sample 'scan', which does not exist"):
        make_splits(source, lists)
    (tmp_path / "train.txt").write_text("a\nb\n")
    with pytest.raises(SplitError, match=r"val.csv' line 2: the sample 'b' stands in train and in val"):
        make_splits(source, lists)
    (tmp_path / "train.txt").write_text("a\na\n")
    with pytest.raises(SplitError, match=r"line 2: the sample 'a' stands twice in train"):
        make_splits(source, lists)
    (tmp_path / "train.txt").unlink()
    with pytest.raises(ConfigError, match=r"train.txt' does not exist; mend `split`"):
        make_splits(source, lists)
    (tmp_path / "train.txt").write_text("a\n")
    (tmp_path / "val.csv").write_text("id\nb\n")
    with pytest.raises(ConfigError, match=r"val.csv' has no column 'sample_id', but has id"):
        make_splits(source, lists)


def test_groups_stay_whole_and_rare_classes_reach_every_part(make_folder: Any) -> None:
    masks = {f"g{group}_{shot}": (BAD if group < 3 else GOOD) for group in range(10) for shot in range(2)}
    source = open_dataset(make_folder(masks, group={"pattern": r"^g\d+"}))
    splits = make_splits(source, SplitSettings(kind="group"))
    parts = {part.name: {source.group(region.sample) for region in part.regions} for part in splits.parts}
    assert set.union(*parts.values()) == {f"g{number}" for number in range(10)}
    assert sum(len(groups) for groups in parts.values()) == 10
    for groups in parts.values():
        assert len(groups & {"g0", "g1", "g2"}) == 1
    # Of the seven groups without the rare class, 70 % are 4.9 and 15 % are 1.05.
    assert {name: len(groups) for name, groups in parts.items()} == {"train": 6, "val": 2, "test": 2}
    assert make_splits(source, SplitSettings(kind="group")) == splits
    seen = []
    known = {
        name: np.array([30 * (mask == 0).all(), 30 * (mask == 1).all(), 0]) for name, mask in masks.items()
    }
    assert (
        make_splits(
            source, SplitSettings(kind="group"), class_pixels=known, progress=lambda *n: seen.append(n)
        )
        == splits
    )
    assert seen == []
    make_splits(source, SplitSettings(kind="group"), progress=lambda *n: seen.append(n))
    assert seen[-1] == (20, 20)


def test_folds_test_every_group_once(make_folder: Any) -> None:
    masks = {f"s{number:02d}": (BAD if number % 3 == 0 else GOOD) for number in range(20)}
    source = open_dataset(make_folder(masks))
    tested: list[str] = []
    for fold in range(4):
        splits = make_splits(source, SplitSettings(kind="kfold", folds=4, fold=fold))
        following = make_splits(source, SplitSettings(kind="kfold", folds=4, fold=(fold + 1) % 4))
        assert splits.test is not None
        assert following.test is not None
        tested += [region.sample for region in splits.test.regions]
        assert splits.val.regions == following.test.regions
        assert sorted(name for names in samples_of(splits).values() for name in names) == sorted(masks)
        assert sum(int(region.sample[1:]) % 3 == 0 for region in splits.test.regions) in (1, 2)
    assert sorted(tested) == sorted(masks)
    with pytest.raises(ValidationError, match="greater than or equal to 3"):
        SplitSettings(kind="kfold", folds=2)


def test_too_few_groups_and_absent_classes_are_named(make_folder: Any) -> None:
    pair = open_dataset(make_folder({"a": GOOD, "b": BAD}))
    with pytest.raises(
        SplitError, match=r"The class .bad. has no pixel in the training part|The part 'val' is empty"
    ):
        make_splits(pair, SplitSettings(kind="group"))
    alone = open_dataset(make_folder({"a": BAD}, exclude=["b"]))
    with pytest.raises(SplitError, match="The part 'val' is empty: 1 groups give 1 samples to train"):
        make_splits(alone, SplitSettings(kind="group"))
    plain = open_dataset(make_folder(dict.fromkeys("abcdef", GOOD)))
    with pytest.raises(
        SplitError, match="The class 'bad' has no pixel in the training part, so nothing can be learnt"
    ):
        make_splits(plain, SplitSettings(kind="group"))


def groups_of(splits: Splits, source: Any) -> dict[str, set[str]]:
    return {part.name: {source.group(region.sample) for region in part.regions} for part in splits.parts}


@pytest.mark.parametrize("kind", ["column", "lists", "group", "kfold"])
def test_a_moved_group_is_wholly_in_its_part_and_no_other_moves(
    make_folder: Any, tmp_path: Path, kind: str
) -> None:
    masks = {f"plant_{n}_{shot}": (BAD if n % 2 else GOOD) for n in range(8) for shot in "ab"}
    parts = ["train"] * 4 + ["val", "val", "test", "test"]
    make_folder(masks)
    table(tmp_path, *(f"{name},images/{name}.png,plant_{name[6]},{parts[int(name[6])]}" for name in masks))
    for part in ("train", "val", "test"):
        names = [name for name in masks if parts[int(name[6])] == part]
        (tmp_path / f"{part}.txt").write_text("\n".join(names))
    source = open_dataset(make_folder({}, samples="index.csv", group={"column": "group"}))
    files = {part: f"{part}.txt" for part in ("train", "val", "test")} if kind == "lists" else {}
    plain = SplitSettings(kind=kind, folds=3, fractions=(0.5, 0.25, 0.25), **files)
    before = groups_of(make_splits(source, plain), source)
    leaving, coming = sorted(before["train"])[1], sorted(before["val"])[0]
    moved = plain.model_copy(update={"move": {leaving: "test", coming: "train"}})
    splits = make_splits(source, moved)
    assert groups_of(splits, source) == {
        "train": before["train"] - {leaving} | {coming},
        "val": before["val"] - {coming},
        "test": before["test"] | {leaving},
    }
    assert [r.sample for r in splits.test.regions if r.sample.startswith(leaving)] == [
        f"{leaving}_a",
        f"{leaving}_b",
    ]
    assert make_splits(source, moved) == splits
    stays = plain.model_copy(update={"move": {leaving: "train"}})
    assert make_splits(source, stays) == make_splits(source, plain)


def test_moves_that_cannot_be_made_say_why(make_folder: Any, tmp_path: Path) -> None:
    make_folder(dict.fromkeys("abcde", BAD))
    rows = [
        ("a", "p1", "train"),
        ("b", "p1", "val"),
        ("c", "p2", "val"),
        ("d", "p3", "test"),
        ("e", "p4", ""),
    ]
    table(tmp_path, *(f"{n},images/{n}.png,{g},{p}" for n, g, p in rows))
    source = open_dataset(make_folder({}, samples="index.csv", group={"column": "group"}))

    def split(**move: str) -> Splits:
        return make_splits(source, SplitSettings(kind="column", move=move))

    # A group that the table tears apart is whole again once it is moved.
    assert samples_of(split(p1="train")) == {"train": ["a", "b"], "val": ["c"], "test": ["d"]}
    with pytest.raises(ConfigError, match=r"no group \(key of split.move\) named 'p33'. Did you mean 'p3'\?"):
        split(p1="train", p33="val")
    with pytest.raises(SplitError, match="group 'p4' to val, but the split leaves all of its samples out"):
        split(p1="train", p4="val")
    with pytest.raises(
        SplitError, match=r"The part 'test' is empty once split.move has taken 'p3' out of it"
    ):
        split(p1="train", p3="train")
    with pytest.raises(SplitError, match=r"The part 'val' is empty once split.move has taken 'p1', 'p2' out"):
        split(p1="train", p2="train")
    with pytest.raises(ValidationError, match=r"kind 'region' cuts every image .* 'move' cannot take effect"):
        SplitSettings(kind="region", move={"a": "val"})
    with pytest.raises(ValidationError, match="Input should be 'train', 'val' or 'test'"):
        SplitSettings(move={"a": "valid"})
    assert SplitSettings(move={7: "val"}).move == {"7": "val"}


amounts = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 500), st.sampled_from([0, 0, 1, 40])),
    min_size=1,
    max_size=40,
)


@settings(max_examples=200)
@given(
    amounts,
    st.sampled_from([(0.7, 0.15, 0.15), (0.8, 0.2, 0.0), (0.2, 0.2, 0.2, 0.2, 0.2)]),
    st.integers(0, 3),
)
def test_dealing_keeps_groups_whole_and_covers_the_rarest_class(
    rows: list[tuple[int, int, int]], shares: tuple[float, ...], seed: int
) -> None:
    pixels = np.array([[first, second] for _, first, second in rows])
    groups = [f"g{group}" for group, _, _ in rows]
    parts = deal_groups(pixels, groups, shares, seed=seed)
    assert len({(group, part) for group, part in zip(groups, parts, strict=True)}) == len(set(groups))
    assert all(shares[part] > 0 for part in parts)
    assert deal_groups(pixels, groups, shares, seed=seed) == parts
    holding = [len({g for g, p in zip(groups, pixels[:, c], strict=True) if p > 0}) for c in range(2)]
    rarest = min(range(2), key=lambda c: (holding[c], pixels[:, c].sum()))
    reached = {part for part, row in zip(parts, pixels, strict=True) if row[rarest] > 0}
    assert len(reached) == min(holding[rarest], sum(share > 0 for share in shares))


def test_dealing_comes_near_the_shares_in_images_and_pixels() -> None:
    generator = np.random.default_rng(0)
    pixels = np.stack(
        [generator.integers(1, 1000, 400), generator.integers(1, 50, 400) * (generator.random(400) < 0.2)], 1
    )
    parts = np.array(deal_groups(pixels, [str(number) for number in range(400)], (0.7, 0.15, 0.15), seed=0))
    for part, share in enumerate((0.7, 0.15, 0.15)):
        for column in range(2):
            assert pixels[parts == part, column].sum() / pixels[:, column].sum() == pytest.approx(
                share, abs=0.02
            )
            assert (pixels[parts == part, column] > 0).sum() / (pixels[:, column] > 0).sum() == pytest.approx(
                share, abs=0.02
            )


def test_the_seed_breaks_ties_only() -> None:
    same = np.array([[5, 1]] * 12)
    names = [str(number) for number in range(12)]
    assert deal_groups(same, names, (0.5, 0.5), seed=0) != deal_groups(same, names, (0.5, 0.5), seed=1)
    different = np.array([[100, 2 ** (number + 1)] for number in range(8)])
    names = names[:8]
    assert deal_groups(different, names, (0.5, 0.5), seed=0) == deal_groups(
        different, names, (0.5, 0.5), seed=1
    )
