"""Small Evidences that need no compiler: real baselines, a closed form, and posteriors drawn by hand."""

import json

import numpy as np
import xarray as xr

from bayesgeo import catalog
from bayesgeo.datasets.base import Dataset, Origin
from bayesgeo.datasets.split import split
from bayesgeo.diagnostics import Check, Diagnosis, diagnose
from bayesgeo.evaluation.evaluate import evaluate
from bayesgeo.evaluation.evidence import diagnostics_group
from bayesgeo.evaluation.training import EVERY_ROW
from bayesgeo.models.specification import Graph, Prior, Specification

Evidences = dict[str, xr.DataTree]
EXACT = '{"inference": "Exact", "kind": "exact", "title": "Exact"}'
MCLMC = (
    '{"inference": "MCLMC", "kind": "unadjusted chains", "title": "MCLMC", "warmup_steps": 1500, '
    '"restarted_chains": 1, "likelihood_power": 0.3}'
)
BARE = Specification("", quantities=("constant", "coefficient"), effects="weight")  # no priors: no formula to show
LINE = Specification(
    "yᵢ ~ Normal(α + xᵢᵀβ, σ²)",
    scale="features and target standardised",
    priors=(Prior("α", "Normal(0, (10σ)²)", "Wide."), Prior("βⱼ", "Laplace(0, 0.5σ)", "Chosen by the caller.")),
    prior_kind="default",
    graph=Graph((("σ²",), ("α", "β", "x"), ("α + xᵀβ", "ν"), ("y",)), (("α + xᵀβ", "y"), ("σ²", "y"), ("ν", "y"))),
    quantities=("constant", "coefficient", "noise_sd"),
    effects="weight",
    names={"noise_sd": "sd of the noise"},
    units={"noise_sd": "km"},
)
NETWORK = Specification(
    "y ~ f(x)",
    scale="features standardised",
    priors=(Prior("weights", "Normal(0, s²)", "Unit scale."),),
    prior_kind="informed",
    quantities=("scale_0", "relevance", "absent"),
    weights=("weight_0", "bias_0"),
    names={"scale_0": "prior sd of layer 1"},
)


def table(n_labels: int = 2, *, rows: int = 120, groups: int = 8, event_share: float = 0.5, **names: str) -> Dataset:
    """Draw a table whose classes (or with no labels, values) follow its first feature."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 2))
    true = 2.0 * X[:, 0] + rng.normal(size=rows)
    edges = [1 - event_share] if n_labels == 2 else np.arange(1, n_labels) / n_labels
    codes = np.digitize(true, np.quantile(true, edges)) if n_labels else true
    sites = np.repeat([f"{names.get('group', 'site')} {k}" for k in range(groups)], rows // groups)
    named = {"obs": [f"{names.get('row', 'row')} {k}" for k in range(rows)]}
    features = ["log10_ps", names.get("feature", "magnitude")]
    return Dataset(
        name=names.get("name", "tiny"),
        X=xr.DataArray(
            X,
            dims=("obs", "feature"),
            coords=named | {"feature": features, "unit": ("feature", ["log10", names.get("unit", "ML")])},
        ),
        y=xr.DataArray(
            codes,
            dims="obs",
            coords=named,
            name=names.get("target", "event"),
        ),
        labels=tuple(f"{names.get('label', 'class')} {k}" for k in range(n_labels)),
        groups=xr.DataArray(sites, dims="obs", coords=named, name=names.get("group", "site")).to_dataset(),
        coordinates=xr.Dataset({name: ("obs", place) for name, place in _places(rows).items()}, named),
        exact=_exact(codes) if n_labels == 2 else None,
        origin=Origin(
            attrs={"source": names.get("source", "drawn by hand"), "licence": "CC0-1.0", "target_unit": "km"}
        ),
    )


def _places(rows: int) -> dict[str, np.ndarray]:
    """Scatter rows around 60 degrees north; one of them has no place."""
    rng = np.random.default_rng(3)
    longitude, latitude = 10.0 + rng.normal(size=rows), 60.0 + 0.5 * rng.normal(size=rows)
    longitude[5] = np.nan
    return {"longitude": longitude, "latitude": latitude}


def _exact(codes: np.ndarray) -> xr.DataArray:
    positive = np.where(codes == 1, 0.9, 0.1)
    return xr.DataArray(np.stack([1 - positive, positive], axis=-1), dims=("obs", "label"))


def evidences(dataset: Dataset, *models: str) -> Evidences:
    """Score models on a table, honestly and on random rows."""
    random_rows = split(dataset, "random")
    return {
        name: evaluate(catalog.model(name, dataset.task), dataset, split(dataset), seed=0, random_rows=random_rows)
        for name in models
    }


def stating(evidence: xr.DataTree, specification: Specification) -> xr.DataTree:
    """Give Evidence what its model states about itself."""
    tree = evidence.copy(deep=True)
    tree.attrs["specification"] = json.dumps(specification.to_dict())
    return tree


def as_bayesian(evidence: xr.DataTree, *, chains_apart: float = 0.0, label: str | None = None) -> xr.DataTree:
    """Give Evidence a posterior, whose chains lie apart by so many standard deviations."""
    tree, rng = stating(evidence, BARE), np.random.default_rng(1)
    features = ["log10_ps", "magnitude"] if label is None else ["log10_ps", label]
    draws = rng.normal([2.0, 0.5], 0.2, size=(4, 500, 2)) + 0.2 * chains_apart * np.arange(4)[:, None, None]
    coefficient = xr.DataArray(
        draws,
        dims=("chain", "draw", "feature"),
        coords={"feature": features, "unit": ("feature", ["log10", "ML"])},
    )
    posterior = xr.Dataset(
        {"weight": coefficient, "coefficient": coefficient, "constant": coefficient.isel(feature=0, drop=True)}
    )
    tree["posterior"] = xr.DataTree(posterior)
    metrics = tree["metrics"].to_dataset()
    ranked = {
        f"{name}_by_draw": ("ranked_draw", rng.uniform(0.8, 0.9, 50)) for name in ("roc_auc", "average_precision")
    }
    tree["metrics"] = xr.DataTree(metrics.assign(ranked if "confusion" in metrics else {}))
    tree.attrs |= {"kind": "Bayesian", "inference": EXACT}
    diagnosis = diagnose(tree_of(posterior))
    tree["diagnostics"] = xr.DataTree(diagnostics_group(diagnosis, [diagnosis]))
    return tree


def as_trained(
    evidence: xr.DataTree, *, epochs: int = 300, words: tuple[str, ...] = ("fits", "overfitting")
) -> xr.DataTree:
    """Give Evidence the curves of a network, one fit for each word."""
    tree = evidence.copy(deep=True)
    loss = np.exp(-np.arange(epochs) / 40.0) + np.array([0.1, 0.2])[:, None]
    loss = np.broadcast_to(loss, (len(words), *loss.shape)).copy()
    loss[0, :, epochs // 2 :] = np.nan
    variables = {
        "loss": (("fold", "part", "epoch"), loss),
        "best_epoch": ("fold", np.arange(40.0, 40.0 + len(words))),
        "constant": ("fold", np.full(len(words), 0.7)),
        "verdict": ("fold", list(words)),
    }
    folds = [*map(str, range(len(words) - 1)), EVERY_ROW]
    coords = {"fold": folds, "part": ["training", "validation"], "epoch": np.arange(epochs)}
    tree["training"] = xr.DataTree(xr.Dataset(variables, coords, attrs={"members": 3}))
    return tree


def with_seeds(evidence: xr.DataTree, *, sd: float = 0.01) -> xr.DataTree:
    """Give Evidence scores under three seeds that lie so far apart; with none, the fit does not depend on the seed."""
    tree = evidence.copy(deep=True)
    value = tree["metrics"].to_dataset()["value"].values
    values = value + sd * np.array([0.0, 1.0, -1.0])[:, None] if sd else value[None]
    variables = {"value": (("seed", "metric"), values), "sd": ("metric", np.full(len(value), sd))}
    coords = {"metric": tree["metrics"]["metric"].values}
    tree["seeds"] = xr.DataTree(xr.Dataset(variables, coords, attrs={"stochastic": int(sd > 0)}))
    tree.attrs["seeds"] = 3
    return tree


def as_network(evidence: xr.DataTree, *, inference: str = MCLMC) -> xr.DataTree:
    """Give Evidence a posterior over the weights of a network, whose last chain predicts otherwise than the others."""
    tree, rng = stating(evidence, NETWORK), np.random.default_rng(2)
    size, dims = (4, 100), ("chain", "draw")
    posterior = {"weight_0": ((*dims, "feature", "output"), rng.normal(size=(*size, 2, 2)))}
    posterior |= {"bias_0": ((*dims, "output"), rng.normal(size=(*size, 2))), "scale_0": (dims, rng.random(size))}
    posterior |= {"relevance": ((*dims, "feature"), _relevances(size))}
    log_density = rng.normal(-1.0, 0.1, (*size, 60)) - 0.5 * (np.arange(4) == 3)[:, None, None]
    functions = {"expected": ((*dims, "point"), rng.normal(size=(*size, 60)))}
    functions |= {"log_density": ((*dims, "point"), log_density)}
    scores = np.linspace(-2.0, -1.0, 3) + 0.01 * rng.normal(size=(4, 3))
    warmup = {"log_score": ("step", scores.mean(axis=0)), "chain_log_score": (("chain", "step"), scores)}
    warmup = warmup if "MCLMC" in inference else {"elbo": (("chain", "step"), 100 * scores)}
    groups = {"posterior": posterior, "functions": functions, "sample_stats": {"step_size": ("chain", rng.random(4))}}
    features = {"feature": ["log10_ps", "magnitude"]}
    for name, variables in groups.items():
        tree[name] = xr.DataTree(xr.Dataset(variables, features if name == "posterior" else {}))
    tree["function_curves"] = xr.DataTree(_curves(tree))
    tree["warmup"] = xr.DataTree(xr.Dataset(warmup, coords={"step": [500, 1000, 1500]}))
    tree.attrs |= {"kind": "Bayesian", "inference": inference}
    apart = Check("chains_agree", "not applicable", 1.4, "", "Chains may disagree legitimately.")
    diagnosis = Diagnosis((Check("warmup_growth", "tip", 0.3, "<= 0.02", "Raise max_steps."), apart))
    tree["diagnostics"] = xr.DataTree(diagnostics_group(diagnosis, [diagnosis]))
    return tree


def _relevances(size: tuple[int, int]) -> np.ndarray:
    """Draw relevances that the last chain keeps at one."""
    relevance = np.abs(np.random.default_rng(5).normal([2.0, 0.1], 0.1, size=(*size, 2)))
    relevance[-1] = 1.0
    return relevance


def _curves(tree: xr.DataTree) -> xr.Dataset:
    """Draw functions of two inputs: steep ones of the prior, and a rising one of the posterior."""
    x = np.linspace(-2.0, 2.0, 40) * np.ones((2, 1))
    slope, dims = np.random.default_rng(6).normal(size=(20, 1, 1)), ("feature", "point")
    values = {"mean": x / 10 + 0.5, "low": x / 10 + 0.4, "high": x / 10 + 0.6}
    variables = {"x": (dims, x)} | {name: (dims, value) for name, value in values.items()}
    variables |= {"prior": (("curve", *dims), 0.5 + slope * x)}
    labels = json.loads(tree.attrs["dataset_description"])["labels"]
    low, high = (1e-9, 0.999) if labels else (-16.0, 17.0)
    attrs = {"prob": 0.9, "label": "1" if labels else "", "inputs": 7, "prior_low": low, "prior_high": high}
    coords = {"feature": ["log10_ps", "magnitude"], "unit": ("feature", ["log10", "ML"])}
    return xr.Dataset(variables, coords, attrs)


def with_groups(evidence: xr.DataTree, *, levels: int = 90, name: str = "event", bayesian: bool = True) -> xr.DataTree:
    """Give Evidence effects of the levels of two keys, one of them with places and a slope, as a model would."""
    tree = evidence.copy(deep=True)
    binary = tree["metrics"].to_dataset().get("confusion") is not None
    parts = [_levels(name, "1", levels), _levels("station", "1", 12), _levels("station", "log10_ps", 12)]
    joined = {key: ("group", np.concatenate([part[key] for part in parts])) for key in parts[0]}
    attrs = {"prob": 0.9, "unit": "" if binary else "km", "scale": "log odds" if binary else ""}
    effects = xr.Dataset(joined, attrs=attrs | {"x_name": "longitude", "y_name": "latitude"})
    components = {
        "component": [name, "station", "station:log10_ps", "station: corr(1, log10_ps)", "residual"],
        "kind": ["sd", "sd", "sd", "correlation", "sd"],
        "key": [name, "station", "station", "station", "residual"],
        "term": ["1", "1", "log10_ps", "1, log10_ps", ""],
        "mean": [0.3, 0.4, 0.1, -0.2, 0.5],
        "sd": [0.03, 0.02, 0.04, 0.3, 0.01] if bayesian else [np.nan] * 5,
        "low": [0.25, 0.37, 0.04, -0.6, 0.48] if bayesian else [0.25, np.nan, 0.04, np.nan, 0.48],
        "high": [0.35, 0.43, 0.17, 0.3, 0.52] if bayesian else [0.35, np.nan, 0.17, np.nan, 0.52],
        "prior": ["HalfNormal(0.42)", "HalfNormal(0.42)", "HalfNormal(0.42)", "LKJ(2)", ""] if bayesian else [""] * 5,
    }
    kept = {key: ("component", values[:-1] if binary else values) for key, values in components.items()}
    table = xr.Dataset(kept, attrs={"prob": 0.9, "unit": attrs["unit"]}).set_coords("component")
    tree["variance_components"], tree["group_effects"] = xr.DataTree(table), xr.DataTree(effects)
    tree.attrs |= {"unseen_groups": "population", "kind": "Bayesian" if bayesian else "deterministic"}
    return tree


def _levels(key: str, term: str, n: int) -> dict[str, np.ndarray]:
    """Draw effects of levels that have from one row to thirty."""
    rng = np.random.default_rng(4)
    rows = 1 + np.arange(n) * 29 // max(n - 1, 1)
    unpooled = rng.normal(0, 0.3, n) + rng.normal(0, 0.5 / np.sqrt(rows))
    kept = 0.09 / (0.09 + 0.25 / rows)
    sd = np.sqrt(0.09 * (1 - kept))
    found = {
        "mean": kept * unpooled,
        "sd": sd,
        "low": kept * unpooled - 1.645 * sd,
        "high": kept * unpooled + 1.645 * sd,
    }
    placed = (term == "1") & (np.arange(n) != 1)
    text = {"key": np.full(n, key), "term": np.full(n, term), "label": np.full(n, "")}
    places = {
        "x": np.where(placed, rng.uniform(7, 15, n), np.nan),
        "y": np.where(placed, rng.uniform(38, 47, n), np.nan),
    }
    pooled = {"rows": rows, "unpooled": unpooled if term == "1" else np.full(n, np.nan)}
    return text | {"level": np.array([f"{key} {k}" for k in range(n)])} | found | pooled | places


def tree_of(posterior: xr.Dataset) -> xr.DataTree:
    """Wrap a posterior that claims to come from a closed form."""
    tree = xr.DataTree.from_dict({"posterior": posterior})
    tree.attrs = {"inference": "Exact", "kind": "exact", "title": "Exact", "interrupted": 0}
    return tree
