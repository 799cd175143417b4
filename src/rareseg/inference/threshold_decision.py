"""The decision ``thresholds``: a probability for each class, from which on a pixel is taken for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from rareseg.metrics.bins import NUM_BINS, nearest_edge
from rareseg.metrics.score_bins import score_bins

__all__ = ["ThresholdDecision"]

_NEVER = -NUM_BINS
_HALF = NUM_BINS // 2
"""The bin whose lower edge is probability 0.5."""


@dataclass(frozen=True)
class ThresholdDecision:
    """Takes a pixel for the class whose score is furthest above its threshold, else for the background.

    Scores are those of the stored histograms and maps: the logit of the softmax probability, in bins of 0.1. A
    threshold lies on the edge of a bin, and how far a score is above it is counted in whole bins; of equally far
    classes the first wins. So the label map is a function of the bins and of the likeliest class, and what is decided
    from stored scores equals what the network's own outputs give, pixel by pixel.

    A class without a threshold is taken where it is the likeliest class, as argmax takes it; how far it is ahead then
    counts from probability 0.5. Without any threshold the decision is argmax.

    Attributes:
        edges: Number of the bin edge (1 to 255) of each class index that has a threshold.
        num_classes: Number of classes, the background first.
        smallest_regions: As `Decision` has it.
        temperature: As `Decision` has it.

    Example:
        >>> decision = ThresholdDecision.of({1: 0.2}, num_classes=3)
        >>> logits = torch.tensor([[2.0, 1.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 2.0]])  # pixels x classes
        >>> decision.labels(logits.T.reshape(1, 3, 1, 3)).tolist()
        [[[1, 0, 2]]]
    """

    edges: Mapping[int, int]
    num_classes: int
    smallest_regions: tuple[int, ...] = ()
    temperature: float = 1.0

    @classmethod
    def of(
        cls,
        thresholds: Mapping[int, float],
        *,
        num_classes: int,
        smallest_regions: tuple[int, ...] = (),
        temperature: float = 1.0,
    ) -> ThresholdDecision:
        """Make one from probabilities, each moved to the nearest bin edge (at most 0.05 in logit)."""
        edges = {index: max(1, nearest_edge(share)) for index, share in thresholds.items()}
        return cls(edges, num_classes, smallest_regions, temperature)

    def labels(self, logits: Float[Tensor, "b k h w"]) -> UInt8[Tensor, "b h w"]:
        """Class index of every pixel."""
        return self.labels_of_bins(score_bins(logits), logits.argmax(dim=1).to(torch.uint8))

    def labels_of_bins(
        self, bins: UInt8[Tensor, "b k h w"], likeliest: UInt8[Tensor, "b h w"]
    ) -> UInt8[Tensor, "b h w"]:
        """The same from stored scores and the likeliest class."""
        best = torch.full(likeliest.shape, _NEVER, dtype=torch.int16, device=bins.device)
        labels = torch.zeros_like(likeliest)
        for index in range(1, self.num_classes):
            score = bins[:, index].to(torch.int16)
            edge = self.edges.get(index)
            if edge is None:
                margin, taken = score - _HALF, likeliest == index
            else:
                margin = score - edge
                taken = margin >= 0
            taken &= margin > best
            best[taken] = margin[taken]
            labels[taken] = index
        return labels
