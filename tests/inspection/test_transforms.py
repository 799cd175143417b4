import numpy as np
import pytest

from rareseg.inspection.transforms import TRANSFORMS, Box

REFERENCE = {
    "identity": lambda a: a,
    "flip_rows": np.flipud,
    "flip_cols": np.fliplr,
    "rotate_90": np.rot90,
    "rotate_180": lambda a: np.rot90(a, 2),
    "rotate_270": lambda a: np.rot90(a, 3),
    "transpose": np.transpose,
    "anti_transpose": lambda a: np.rot90(a, 2).T,
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_as_numpy_does(name: str) -> None:
    image = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(TRANSFORMS[name](image), REFERENCE[name](image))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_the_inverse_undoes_it(name: str) -> None:
    image = np.arange(24).reshape(2, 3, 4)
    turn = TRANSFORMS[name]
    np.testing.assert_array_equal(TRANSFORMS[turn.inverse](turn(image)), image)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_box_goes_where_its_pixels_go(name: str) -> None:
    image = np.zeros((10, 20), int)
    image[2:5, 4:10] = 1
    turned = TRANSFORMS[name](image)
    rows, cols = np.nonzero(turned)
    height, width = turned.shape
    expected = Box(
        rows.min() / height, (rows.max() + 1) / height, cols.min() / width, (cols.max() + 1) / width
    )
    assert TRANSFORMS[name].box(Box(0.2, 0.5, 0.2, 0.5)) == pytest.approx(expected)
