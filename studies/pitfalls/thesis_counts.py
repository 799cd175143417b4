"""Counts of the foil thesis that the pitfalls quote: its test set has 31 627 600 pixels."""

from __future__ import annotations

__all__ = ["BASELINE", "CAVITY", "PRINTED_PRECISION"]

BASELINE = {
    "agglomeration": (485_695, 220_976, 264_449, 30_656_480),
    "cavity": (6_455, 6_473, 11_199, 31_603_473),
    "crack": (168_512, 34_049, 111_146, 31_313_893),
    "blade trail": (190_104, 177_654, 174_914, 31_084_928),
}
"""tp, fp, fn, tn of its baseline, by defect (Table A1)."""

PRINTED_PRECISION = {"agglomeration": 0.7055, "cavity": 0.5605, "crack": 0.8912, "blade trail": 0.7917}
"""Precision of the same model as Table A2 prints it."""

CAVITY = {
    "no weights": BASELINE["cavity"],
    "ISCF": (13_336, 55_297, 4_318, 31_554_649),
    "ICF": (15_657, 222_499, 1_997, 31_387_447),
}
"""tp, fp, fn, tn of its cavities by the weights in cross-entropy (Table A1)."""
