"""Region losses beside segmentation_models_pytorch and MONAI, where they define the same thing.

They are no dependency: install them into an environment of their own, and these tests run instead of being skipped.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
import warnings
from typing import Any

import pytest
import torch

from rareseg.losses.dice import dice
from rareseg.losses.focal import focal
from rareseg.losses.focal_tversky import focal_tversky
from rareseg.losses.generalised_dice import generalised_dice
from rareseg.losses.jaccard import jaccard
from rareseg.losses.tversky import tversky

pytestmark = pytest.mark.peers


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and a target in which every image holds every class; the peers treat absent ones otherwise."""
    generator = torch.Generator().manual_seed(9)
    target = torch.arange(96).reshape(2, 8, 6) % 4
    return 2 * torch.randn(2, 4, 8, 6, generator=generator, dtype=torch.float64), target


@pytest.fixture(scope="module")
def smp() -> Any:
    """Its losses alone: the package itself would import every encoder."""
    spec = importlib.util.find_spec("segmentation_models_pytorch")
    if spec is None or spec.submodule_search_locations is None:
        pytest.skip("segmentation_models_pytorch is not installed")
    package = types.ModuleType("segmentation_models_pytorch")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["segmentation_models_pytorch"] = package
    yield importlib.import_module("segmentation_models_pytorch.losses")
    for name in [name for name in sys.modules if name.startswith("segmentation_models_pytorch")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def monai() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        return pytest.importorskip("monai.losses")


def check(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("smooth", [0.0, 3.0])
def test_smp_over_the_batch(smp: Any, smooth: float) -> None:
    logits, target = batch()
    # Its Dice is a Tversky index: what it adds counts twice.
    check(dice(logits, target, smooth=2 * smooth), smp.DiceLoss("multiclass", smooth=smooth)(logits, target))
    check(
        jaccard(logits, target, smooth=smooth), smp.JaccardLoss("multiclass", smooth=smooth)(logits, target)
    )
    theirs = smp.TverskyLoss("multiclass", smooth=smooth, alpha=0.2, beta=0.9)
    check(tversky(logits, target, fp_weight=0.2, fn_weight=0.9, smooth=smooth), theirs(logits, target))


def test_smp_with_ignored_pixels(smp: Any) -> None:
    logits, target = batch()
    target[:, 2] = 255
    check(dice(logits, target), smp.DiceLoss("multiclass", ignore_index=255)(logits, target))


def test_monai_by_image_and_over_the_batch(monai: Any) -> None:
    logits, target = batch()
    exact = {"smooth_nr": 0.0, "smooth_dr": 0.0, "softmax": True, "to_onehot_y": True}
    for reduction in ("image", "batch"):
        options = {**exact, "batch": reduction == "batch"}
        check(dice(logits, target, reduction=reduction), monai.DiceLoss(**options)(logits, target[:, None]))
        check(
            dice(logits, target, reduction=reduction, channels=(1, 2, 3)),
            monai.DiceLoss(**options, include_background=False)(logits, target[:, None]),
        )
        check(
            jaccard(logits, target, reduction=reduction),
            monai.DiceLoss(**options, jaccard=True)(logits, target[:, None]),
        )
        check(
            tversky(logits, target, reduction=reduction),
            monai.TverskyLoss(**options, alpha=0.3, beta=0.7)(logits, target[:, None]),
        )
        check(
            generalised_dice(logits, target, reduction=reduction),
            monai.GeneralizedDiceLoss(**options)(logits, target[:, None]),
        )


def test_monai_focal(monai: Any) -> None:
    # It works in float32 throughout. Its mean is over pixels and classes, of which three of four are 0.
    logits, target = batch()[0].float(), batch()[1]
    for gamma in (0.5, 2.0):
        theirs = monai.FocalLoss(use_softmax=True, to_onehot_y=True, gamma=gamma)(logits, target[:, None])
        check(focal(logits, target, gamma=gamma), 4 * theirs)
        theirs = monai.FocalLoss(to_onehot_y=True, gamma=gamma)(logits, target[:, None])
        ours = focal(logits, target, gamma=gamma, activation="sigmoid", positive_classes=(0, 1, 2, 3))
        check(ours, theirs)


def test_smp_raises_the_focal_tversky_loss_to_gamma_itself(smp: Any) -> None:
    logits, target = batch()
    single = (2,)
    theirs = smp.TverskyLoss("multiclass", classes=[2], alpha=0.3, beta=0.7, gamma=0.75)(logits, target)
    check(focal_tversky(logits, target, gamma=4 / 3, channels=single), theirs)


def test_an_absent_class_is_pushed_down_here_and_not_there(smp: Any) -> None:
    logits, target = batch()[0][:, :1].requires_grad_(), torch.zeros(2, 8, 6, dtype=torch.long)
    (ours,) = torch.autograd.grad(dice(logits, target, activation="sigmoid"), logits)
    (theirs,) = torch.autograd.grad(smp.DiceLoss("binary")(logits, target[:, None]), logits)
    assert (ours > 0).all()
    assert not theirs.any()
