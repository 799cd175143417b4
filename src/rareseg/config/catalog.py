"""Remedies with a name and a source, as changes to a base recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rareseg.registry import Registry

__all__ = ["CATALOG", "CatalogEntry"]


@dataclass(frozen=True)
class CatalogEntry:
    """A remedy: its group, what it does in one line, who proposed it, and what it changes in a recipe."""

    group: str
    summary: str
    source: str
    change: dict[str, Any] = field(default_factory=dict)


CATALOG: Registry[CatalogEntry] = Registry("strategy")
"""Every strategy that ``use`` in study.yaml may name. None names a class of the user's data."""


def _file(group: str, name: str, summary: str, source: str, **change: Any) -> None:
    CATALOG.register(name)(CatalogEntry(group, summary, source, change))


_THESIS = "foil thesis"
_STEEL = "Severstal report"
_SOLAR = "solar plant report"
_ANNAMO = "Mars report of team Annamo"
_CAMAL = "Mars report of team Camal"
_CE_AND = "cross_entropy"
_BOUNDARY = ["dice", {"name": "boundary", "scale": 0.01}]
_SMOOTHED = ["smoothed_cross_entropy"]

_file("Baseline", "baseline", "plain cross-entropy on uniform patches", "arXiv 1505.04597")

# Sampling: which patches are trained on
_file(
    "Sampling",
    "equal_samples",
    "as many patches that certainly hold each rare class",
    f"{_THESIS}, section 3.3",
    sampling={"name": "equal_samples"},
)
_file(
    "Sampling",
    "oversample_rarest",
    "every patch holds the rarest class (Oversampled Cavities)",
    f"{_THESIS}, section 3.3",
    sampling={"name": "oversample", "shares": {"rarest": 1.0}},
)
_file(
    "Sampling",
    "equal_pixels",
    "patches in which all rare classes have as many pixels in all",
    f"{_THESIS}, section 3.3",
    sampling={"name": "equal_pixels"},
)
_file(
    "Sampling",
    "foreground",
    "a third of the patches centred on a rare class, each class as often",
    "nnU-Net, doi 10.1038/s41592-020-01008-z",
    sampling={"name": "foreground"},
)
_file(
    "Sampling",
    "rarity",
    "classes drawn with a probability that rises with rarity, (1 / frequency) ** 0.5",
    "after the rare class sampling of DAFormer, arXiv 2111.14887",
    sampling={"name": "rarity"},
)
_file(
    "Sampling",
    "batch_balanced",
    "every batch holds each rare class and blank patches in equal share",
    _STEEL,
    sampling={"name": "batch_balanced"},
)
_file(
    "Sampling",
    "few_blank_patches",
    "the share of blank patches falls from one half to a tenth while training",
    "DCL, arXiv 1901.06783, its sampling schedule",
    sampling={"name": "uniform", "blank": {"share": 0.5, "to": 0.1}},
)
_file(
    "Sampling",
    "no_blank_images",
    "images without any rare class do not train",
    _SOLAR,
    sampling={"name": "uniform", "leave_out": {"blank": True}},
)

# Losses: what a mistake costs
for _name, _title, _source in (
    ("icf", "inverse class frequency", f"{_THESIS}, eq. 3.4 to 3.7"),
    ("iscf", "inverse square root class frequency", f"{_THESIS}, eq. 3.4 to 3.7"),
    ("effective_number", "the effective number of samples", "arXiv 1901.05555"),
    ("median_frequency", "median over class frequency", "arXiv 1511.00561"),
):
    _file(
        "Loss",
        f"wce_{_name}",
        f"cross-entropy weighted by {_title}",
        _source,
        loss={"name": "cross_entropy", "weights": _name},
    )
_file("Loss", "focal", "focal loss, gamma 2", "arXiv 1708.02002", loss={"name": "focal", "gamma": 2.0})
for _name, _title, _source in (
    (
        "paper",
        "0.25 for the background and 0.75 for the others",
        "arXiv 1708.02002; foil thesis, section 3.4.2",
    ),
    ("icf", "inverse class frequency", f"{_THESIS}, section 3.4.2"),
    ("iscf", "inverse square root class frequency", f"{_THESIS}, section 3.4.2"),
):
    _file(
        "Loss",
        f"focal_{_name}",
        f"focal loss weighted by {_title}",
        _source,
        loss={"name": "focal", "gamma": 2.0, "weights": "focal_paper" if _name == "paper" else _name},
    )
for _name, _summary, _source, _loss in (
    ("dice_ce", "Dice and cross-entropy", "nnU-Net, doi 10.1038/s41592-020-01008-z", ["dice", _CE_AND]),
    ("dice_focal", "Dice and focal loss", "arXiv 1808.05238", ["dice", "focal"]),
    (
        "generalised_dice",
        "generalised Dice and cross-entropy",
        "arXiv 1707.03237",
        ["generalised_dice", _CE_AND],
    ),
    ("jaccard", "Jaccard and cross-entropy", "doi 10.1007/978-3-319-50835-1_22", ["jaccard", _CE_AND]),
    ("tversky", "Tversky loss, missed pixels cost more", "arXiv 1706.05721", ["tversky"]),
    ("focal_tversky", "focal Tversky loss", "arXiv 1810.07842", ["focal_tversky"]),
    ("lovasz", "Lovász-Softmax and cross-entropy", "arXiv 1705.08790", ["lovasz", _CE_AND]),
    ("unified_focal", "asymmetric unified focal loss", "arXiv 2102.04525", ["asymmetric_unified_focal"]),
    ("boundary", "Dice with a hundredth of the boundary loss", "arXiv 1812.07032", _BOUNDARY),
    ("top_k", "cross-entropy of the hardest quarter of the pixels", "arXiv 1604.03540", ["top_k"]),
    ("recall", "cross-entropy weighted by what the batch misses", "arXiv 2106.14917", ["recall"]),
    (
        "logit_adjustment",
        "logits shifted by the log of the class shares",
        "arXiv 2007.07314",
        ["logit_adjustment"],
    ),
    ("label_smoothing", "cross-entropy with a tenth of the truth spread", "arXiv 1512.00567", _SMOOTHED),
):
    _file("Loss", _name, _summary, _source, loss=_loss)

# Heads: how many models, and what their channels mean
_file(
    "Head",
    "sigmoid",
    "one sigmoid channel a class, each against all others",
    _STEEL,
    head={"name": "sigmoid"},
)
_file(
    "Head",
    "binary",
    "one binary model a class, each with the whole budget",
    f"{_THESIS}, section 3.4.1",
    head={"name": "one_vs_rest"},
)
_file(
    "Head",
    "binary_balanced",
    "binary models; half of the patches of each hold its class",
    f"{_THESIS}, section 3.4.1",
    head={"name": "one_vs_rest"},
    sampling={"name": "balanced"},
)
_file(
    "Head",
    "binary_focal",
    "binary models with focal loss, 0.25 and 0.75",
    f"{_THESIS}, section 3.4.3",
    head={"name": "one_vs_rest"},
    loss={"name": "focal", "gamma": 2.0, "weights": "focal_paper"},
)
_file(
    "Head",
    "binary_focal_iscf",
    "binary models with focal loss, ISCF weights of each against the rest",
    f"{_THESIS}, section 3.4.3 and Table 3.7",
    head={"name": "one_vs_rest"},
    loss={"name": "focal", "gamma": 2.0, "weights": "iscf"},
)
_file(
    "Head",
    "binary_equal_cost",
    "binary models that divide one budget among themselves",
    f"{_THESIS}, section 3.4.1, at the cost of one model",
    head={"name": "one_vs_rest", "budget": "shared"},
)
_file(
    "Head",
    "binary_shared_encoder",
    "one encoder, one decoder a class",
    f"{_THESIS}, section 3.4.1, with what the models have in common made once",
    head={"name": "one_vs_rest", "shared_encoder": True},
)
_file(
    "Head",
    "class_aware",
    "sigmoid channels, BCE and Jaccard with 0.8 for positives and 0.2 for negatives",
    _SOLAR,
    head={"name": "sigmoid"},
    loss=[{"name": "cross_entropy", "pos_weight": 0.8, "neg_weight": 0.2}, {"name": "class_aware_jaccard"}],
)
_file(
    "Head",
    "bce_dice_then_tversky",
    "sigmoid channels, BCE and Dice, then fine-tuning with Tversky at a lower rate",
    _STEEL,
    head={"name": "sigmoid"},
    phases=[
        {"share": 0.7, "loss": ["cross_entropy", "dice"]},
        {"share": 0.3, "loss": ["focal_tversky"], "lr": 1e-4},
    ],
)
_file(
    "Head",
    "image_gate",
    "a classifier skips images without a defect; its threshold is chosen on validation",
    _STEEL,
    head={"name": "softmax", "gate": {}},
)

# Models: the network itself. Each is given whole, with its default width
for _name, _summary, _source, _model in (
    ("one_conv", "a single 3 x 3 convolution, the least of all models", _CAMAL, {"name": "one_conv"}),
    ("two_level_unet", "plain U-Net with two poolings", _CAMAL, {"name": "unet", "depth": 2}),
    (
        "unetplusplus",
        "U-Net++ with residual blocks and spatial dropout before the output layer",
        f"arXiv 1807.10165; {_ANNAMO}",
        {"name": "unetplusplus"},
    ),
    (
        "se_unet",
        "U-Net with squeeze and excitation, attention gates and additive skips",
        f"arXiv 1709.01507 and 1804.03999; {_ANNAMO}",
        {"name": "se_unet"},
    ),
    (
        "double_unet",
        "two stacked U-Nets, the second of which sees the image masked by the first",
        f"arXiv 2006.04558; {_ANNAMO}",
        {"name": "double_unet"},
    ),
):
    _file("Model", _name, _summary, _source, model=_model)
# The last two have the patches and the loss of balanced_dice_focal
for _name, _summary, _weights in (
    ("efficientnet_lite0", "U-Net with an EfficientNet-Lite0 encoder, random at first", {}),
    (
        "efficientnet_lite0_imagenet",
        "U-Net with an EfficientNet-Lite0 encoder that starts with ImageNet weights",
        {"encoder_weights": "imagenet"},
    ),
):
    _file(
        "Model",
        _name,
        f"{_summary}, on balanced patches",
        "arXiv 1905.11946; patches and loss as in balanced_dice_focal",
        model={"name": "efficientnet_lite_unet", **_weights},
        sampling={"name": "equal_samples"},
        loss=["dice", "focal"],
    )

# Data: what patches look like
_file(
    "Data",
    "augmented",
    "flips, zoom, rotation, brightness, contrast and noise",
    "nnU-Net, doi 10.1038/s41592-020-01008-z",
    augmentation={
        "flips": True,
        "zoom": [0.8, 1.25],
        "rotation": 15,
        "brightness": 0.2,
        "contrast": 0.2,
        "noise": 0.05,
    },
)
_file(
    "Data",
    "light_augmentation",
    "half of the patches hold the rarest class, and only these are changed",
    _ANNAMO,
    sampling={"name": "oversample", "shares": {"rarest": 0.5}},
    augmentation={"flips": True, "zoom": [0.9, 1.1], "translation": 0.1, "only_for": ["rarest"]},
)
_file(
    "Data",
    "copy_paste",
    "defects of other patches are pasted in, their seams blended",
    "arXiv 2012.07177",
    augmentation={"copy_paste": {"probability": 0.5}},
)

# Recipes: several remedies at once, as they are used elsewhere
_file(
    "Recipe",
    "nnunet",
    "a third of the patches on rare classes, Dice and cross-entropy, SGD with a polynomial fall",
    "nnU-Net, doi 10.1038/s41592-020-01008-z",
    sampling={"name": "foreground"},
    loss=["dice", "cross_entropy"],
    optimizer={"name": "sgd", "lr": 0.01, "momentum": 0.99, "weight_decay": 3e-5},
    schedule={"name": "polynomial"},
    clip_gradient=12.0,
)
_file(
    "Recipe",
    "balanced_dice_focal",
    "class-balanced patches with Dice and focal loss",
    "MONAI's crops by class and DiceFocalLoss, arXiv 2211.02701",
    sampling={"name": "equal_samples"},
    loss=["dice", "focal"],
)
_file(
    "Recipe",
    "patient",
    "the rate falls on a plateau, training stops early, the best weights are judged",
    _SOLAR,
    schedule={"name": "plateau", "patience": 2, "factor": 0.5},
    early_stopping={"patience": 5},
    weights="best",
)
_file(
    "Recipe",
    "moving_average",
    "class-balanced patches; a moving average of the weights is judged",
    "arXiv 1703.01780",
    sampling={"name": "foreground"},
    ema=0.999,
)
