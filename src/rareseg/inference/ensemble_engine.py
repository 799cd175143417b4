"""Several networks, each asked about several flips and turns of an image, as one engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import log_softmax, logsigmoid

from rareseg.errors import OptionError
from rareseg.inference.engine import Engine
from rareseg.inference.symmetries import Symmetry
from rareseg.strategies.head import JudgingHead

__all__ = ["EnsembleEngine", "Member"]


@dataclass(frozen=True)
class Member:
    """A network and the head that reads its outputs."""

    engine: Engine
    head: JudgingHead


class EnsembleEngine:
    """Means over members and symmetries; see `Engine`.

    With ``n`` passes (members times symmetries) that give a pixel the class probabilities ``p_1 .. p_n``, outputs have
    one channel a class, ``log(mean_i p_i)``, so that their softmax is the mean, and one more: the disagreement
    ``(H(mean_i p_i) - mean_i H(p_i)) / log k``, where ``H`` is the entropy and ``k`` the number of classes. That is the
    mutual information of class and network (Houlsby et al., arXiv 1112.5745; Gal et al., arXiv 1703.02910): 0 where all
    passes say the same, however unsure, and ``log(min(n, k)) / log k``, at most 1, where each is sure of another
    class. `EnsembleHead` reads these channels.

    Each network normalises pixels by itself. Tiles stay exact: they start on multiples of the least common multiple of
    the strides, their halo is that of the widest network on all four sides, and both hold for a flipped or turned
    tile of a flipped or turned image. Memory is that of one pass and of ``k + 1`` maps, whatever the number of passes.

    Args:
        members: At least one; bands and classes are those of the first.
        symmetries: At least one.

    Raises:
        OptionError: Members take different numbers of bands.

    Example:
        >>> from rareseg.inference.symmetries import symmetries
        >>> from rareseg.inference.torch_engine import TorchEngine
        >>> from rareseg.models.build import build_model
        >>> from rareseg.models.network import Network
        >>> from rareseg.strategies.heads import build_head
        >>> unet = {"name": "unet", "base_channels": 4, "depth": 2}
        >>> cores = [build_model(unet, in_channels=1, num_classes=2) for _ in range(3)]
        >>> head = build_head({"name": "softmax"})
        >>> members = [Member(TorchEngine(Network(core, mean=[100.0], std=[20.0])), head) for core in cores]
        >>> engine = EnsembleEngine(members, symmetries("turns"))
        >>> outputs = engine.run(torch.zeros(1, 1, 8, 16, dtype=torch.uint8))
        >>> outputs.shape, bool(torch.allclose(outputs[:, :2].exp().sum(dim=1), torch.ones(1, 8, 16)))
        (torch.Size([1, 3, 8, 16]), True)
    """

    def __init__(self, members: Sequence[Member], symmetries: Sequence[Symmetry]) -> None:
        bands = sorted({member.engine.in_channels for member in members})
        if len(bands) > 1:
            raise OptionError(
                f"The networks of an ensemble take images of one kind, but these take {bands[0]} and {bands[-1]} "
                "bands; leave some out."
            )
        self.members = tuple(members)
        self.symmetries = tuple(symmetries)

    @property
    def num_passes(self) -> int:
        """How often a pixel is judged."""
        return len(self.members) * len(self.symmetries)

    @property
    def in_channels(self) -> int:
        """Bands of an image."""
        return self.members[0].engine.in_channels

    @property
    def stride(self) -> int:
        """The least common multiple of the members'."""
        return math.lcm(*(member.engine.stride for member in self.members))

    @property
    def receptive_radius(self) -> int | None:
        """The largest of the members'; None where any is None."""
        radii = [member.engine.receptive_radius for member in self.members]
        known = [radius for radius in radii if radius is not None]
        return max(known) if len(known) == len(radii) else None

    @property
    def mean(self) -> Sequence[float]:
        """The first member's."""
        return self.members[0].engine.mean

    @property
    def std(self) -> Sequence[float]:
        """The first member's."""
        return self.members[0].engine.std

    def run(self, batch: Tensor, *, part: str | None = None) -> Tensor:
        """Outputs ``(b, k + 1, h, w)`` float32, see above; see `Engine.run`.

        Args:
            batch: Raw pixels, of height and width that are multiples of ``stride``.
            part: A module with one logit an image, such as a gate, in every member: the logit of the members' mean
                probability, ``(b, ...)``.

        Raises:
            OptionError: Members have different numbers of classes.
        """
        if batch.dtype == torch.uint16:
            batch = batch.to(torch.int32)  # torch cannot flip uint16 on the CPU
        return self._mean_chance(batch, part) if part is not None else self._mean_classes(batch)

    def _mean_classes(self, batch: Tensor) -> Float[Tensor, "b c h w"]:
        total: Tensor | None = None
        entropy: Tensor | float = 0.0
        for symmetry in self.symmetries:
            moved = symmetry.apply(batch).contiguous()
            for member in self.members:
                chances = log_softmax(member.head.class_logits(member.engine.run(moved)).float(), dim=1)
                if total is not None and total.shape[1] != chances.shape[1]:
                    raise OptionError(
                        f"The networks of an ensemble tell the same classes apart, but these have {total.shape[1]} and "
                        f"{chances.shape[1]}; leave some out."
                    )
                own = symmetry.undo(chances).to(batch.device if total is None else total.device)
                entropy = entropy + _entropy(own)
                # Sums of logarithms, since a probability may be too small for float32 where its logarithm is not.
                total = own.contiguous() if total is None else torch.logaddexp(total, own)
        assert total is not None, "an ensemble has members and symmetries"
        mean = total - math.log(self.num_passes)
        gain = (_entropy(mean) - entropy / self.num_passes) / math.log(mean.shape[1])
        return torch.cat([mean, gain.clamp(0.0, 1.0)], dim=1)

    def _mean_chance(self, batch: Tensor, part: str) -> Tensor:
        logits = [
            member.engine.run(symmetry.apply(batch).contiguous(), part=part).to(batch.device)
            for symmetry in self.symmetries
            for member in self.members
        ]
        stacked = torch.stack(logits)
        return logsigmoid(stacked).logsumexp(dim=0) - logsigmoid(-stacked).logsumexp(dim=0)


def _entropy(chances: Float[Tensor, "b k h w"]) -> Float[Tensor, "b 1 h w"]:
    """Of logarithms of probabilities, in nats."""
    return -(chances.exp() * chances).sum(dim=1, keepdim=True)
