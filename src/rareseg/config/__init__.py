"""Room 1: dataset.yaml and study.yaml as typed models that refuse unknown keys."""
