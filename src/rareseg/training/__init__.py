"""Training of one strategy; what would break lightning is looked for before anything here imports it."""

from rareseg.compat import check_torchvision

check_torchvision()
