from __future__ import annotations

from pathlib import Path

from rareseg.models.build import build_model
from rareseg.models.cost import cost_table
from rareseg.models.cost_markdown import cost_markdown

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cost_table.md"


def test_the_documents_table_is_the_models() -> None:
    layers = cost_table(build_model("unet", in_channels=3, num_classes=5), (16, 3, 256, 256))
    assert cost_markdown(layers) in DOCUMENT.read_text(encoding="utf-8")


def test_the_documents_comparison_is_the_models() -> None:
    text = DOCUMENT.read_text(encoding="utf-8").replace(" ", "")
    names = {"up1": "up.3", "up2": "up.2", "up3": "up.1", "up4": "up.0"}
    names |= {f"conv{11 + 2 * i}": f"decoder.{3 - i}.conv1" for i in range(4)}
    layers = cost_table(build_model("unet", in_channels=3, num_classes=5), (16, 3, 256, 256))
    rows = {layer.name: layer for layer in layers}
    for printed, name in names.items():
        line = next(line for line in text.splitlines() if line.startswith(f"|{printed}|"))
        flops = 2 * rows[name].macs // 2**20
        assert f"|{rows[name].parameters}parameters,{flops}Mflop|" in line
    assert f"{2 * sum(layer.macs for layer in layers) // 2**20}M|" in text
    convolutions = [layer for layer in layers if "convolution" in layer.kind]
    assert f"|{sum(layer.parameters for layer in convolutions)},and5888ofbatchnorm|" in text


def test_totals_and_blanks() -> None:
    model = build_model({"name": "unet", "base_channels": 4, "depth": 1}, in_channels=1, num_classes=2)
    lines = cost_markdown(cost_table(model, (1, 1, 256, 256))).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert "| join | join |  |  |  | 256 x 256 | 8 | 524288 | 0 |  | 2.0 | 1.0 |  |" in lines
    assert lines[-1].startswith("| **total** |")
