import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from bayesgeo.datasets.audit import Finding
from bayesgeo.reporting import report

from .samples import Evidences, as_network, as_trained, with_seeds


@pytest.mark.slow
def test_report_json_has_every_key_of_its_schema(binary: Evidences, tmp_path: Path) -> None:
    report(binary, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    assert {"schema_version", "dataset", "verdict", "models", "comparisons", "decision"} <= set(facts)
    assert {"name", "rows", "sha256", "group", "split"} <= set(facts["dataset"])
    for model in facts["models"]:
        assert {"name", "kind", "metrics", "diagnostics", "seconds"} <= set(model)
        assert set(model["seconds"]) == {"compile", "fit", "predict"}
        assert set(model["diagnostics"]) == {"verdict", "checks"}
        assert {"log_loss", "brier_score", "accuracy", "precision", "recall", "f1"} <= set(model["metrics"])
        assert all({"value", "low", "high", "prob"} <= set(metric) for metric in model["metrics"].values())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["binary", "failed", "multiclass", "regression"])
def test_report_json_follows_its_published_schema(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    scored = request.getfixturevalue(kind)
    first = next(iter(scored.values()))
    scored = scored | {"network": as_network(first), "trained": with_seeds(as_trained(first))}
    reproduce = {"command": "c", "versions": {"python": "3.12"}, "seed": 0, "platform": Path("somewhere")}
    report(scored, tmp_path, reproduce=reproduce, findings=[Finding("imbalance", "note", "One class is rare.")])
    facts = json.loads((tmp_path / "report.json").read_text())
    schema = json.loads((files("bayesgeo.reporting") / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(facts)
    assert facts == json.loads(json.dumps(facts))
    for broken, says in (("more", 1), "Additional"), (("verdict", "fine"), "'fine'"), (("models", []), "non-empty"):
        with pytest.raises(jsonschema.ValidationError, match=says):
            jsonschema.Draft202012Validator(schema).validate(facts | dict([broken]))
