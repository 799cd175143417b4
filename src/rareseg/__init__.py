"""rareseg: semantic segmentation for classes that are a sliver of the pixels."""

__version__ = "0.1.0"
