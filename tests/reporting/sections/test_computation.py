import json
from pathlib import Path

import pytest
import xarray as xr

from ..reading import read
from ..samples import Evidences, as_network


@pytest.mark.slow
@pytest.mark.parametrize("named", ["full Gaussian (ADVI)", "Gaussian at a peak (Laplace), last layer"])
def test_an_approximation_is_called_one_wherever_its_model_is_judged(
    binary: Evidences, tmp_path: Path, named: str
) -> None:
    inference = json.dumps({"inference": "ADVI", "kind": "approximation", "title": named})
    page = read(binary | {"network": as_network(binary["logistic"], inference=inference)}, tmp_path)
    assert f"The approximation of the posterior of network, {named}, is doubtful" in page.text
    assert page.parts.count("approximation") == 2
    assert "of an approximation" in page.text
    assert "An approximation that passes its checks" in page.text
    assert "evidence lower bound" in "".join(page.values("aria-label"))


@pytest.mark.slow
@pytest.mark.parametrize("status", ["passed", "issue", "tip", "not applicable", "skipped", "ignored"])
def test_the_status_of_a_check_is_shown_by_its_word_and_its_link_as_text(
    binary: Evidences, tmp_path: Path, status: str
) -> None:
    tree = binary["bayesian"].copy(deep=True)
    checks = tree["diagnostics"].to_dataset()
    n = checks.sizes["check"]
    checks = checks.assign(status=("check", [status] * n), link=("check", [f"docs/checks.md#{k}" for k in range(n)]))
    tree["diagnostics"] = xr.DataTree(checks)
    page = read({"bayesian": tree}, tmp_path)
    assert page.parts.count(status) >= n
    assert "docs/checks.md#0" in page.parts
    assert all(link.startswith("#") for link in page.values("href"))


@pytest.mark.slow
def test_checks_without_a_link_are_reported_too(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["bayesian"].copy(deep=True)
    tree["diagnostics"] = xr.DataTree(tree["diagnostics"].to_dataset().drop_vars("link", errors="ignore"))
    assert "rhat" in " ".join(read({"bayesian": tree}, tmp_path).parts)
