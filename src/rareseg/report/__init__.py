"""Room 8: one self-contained HTML page from artefacts alone."""
