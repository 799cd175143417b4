from __future__ import annotations

import numpy as np
import pytest

from rareseg.errors import OptionError, SplitError, UnknownNameError
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.class_names import resolve_class, resolve_classes
from rareseg.sampling.plan import PlanContext


def context_of(mask, names):
    return PlanContext((), ClassLocations.from_masks([np.array(mask, np.uint8)], names), (1, 1), tuple(names))


def test_rarest_is_the_class_with_fewest_pixels_above_none():
    context = context_of([[0, 0, 0, 1, 3, 3, 255]], ["a", "b", "absent", "d"])
    assert resolve_class("rarest", context) == 1
    assert resolve_class("absent", context) == 2


def test_a_class_may_bear_the_name_rarest():
    assert resolve_class("rarest", context_of([[0, 1, 1]], ["one", "rarest"])) == 1


def test_unknown_names_list_the_classes_and_rarest():
    with pytest.raises(
        UnknownNameError, match=r"no class named 'rarst'. Did you mean 'rarest'\? Known: a, b, rarest"
    ):
        resolve_class("rarst", context_of([[0, 1]], ["a", "b"]))


def test_the_classes_of_a_plan():
    context = context_of([[0, 0, 1, 3, 3]], ["a", "b", "absent", "d"])
    assert resolve_classes(None, context, plan="p").tolist() == [1, 3]
    assert resolve_classes(None, context, plan="p", background=True).tolist() == [0, 1, 3]
    assert resolve_classes(["d", "rarest"], context, plan="p").tolist() == [3, 1]
    with pytest.raises(SplitError, match="The plan 'p' needs training pixels of class 'absent'"):
        resolve_classes(["absent"], context, plan="p")
    with pytest.raises(OptionError, match="The plan 'p' should name each class once, but 'b' is there twice"):
        resolve_classes(["b", "rarest"], context, plan="p")
    with pytest.raises(SplitError, match="needs training pixels of a class beside the background"):
        resolve_classes(None, context_of([[0, 0]], ["a", "b"]), plan="p")
