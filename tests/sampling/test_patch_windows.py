from __future__ import annotations

import numpy as np

from rareseg.sampling.patch_windows import PatchWindows
from rareseg.types import Window


def test_columns_of_the_windows():
    patches = PatchWindows(np.array([4, 5]), np.array([1, 0]), np.array([[2, -3, 8, 9], [0, 7, 8, 9]]))
    assert len(patches) == 2
    assert (patches.rows.tolist(), patches.cols.tolist()) == ([2, 0], [-3, 7])
    assert (patches.height, patches.width) == (8, 9)
    assert patches.window(0) == Window(2, -3, 8, 9)
