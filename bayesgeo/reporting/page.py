"""Facts -> one self-contained HTML page."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bayesgeo.reporting import curves, differences, figures, graph, maps, names, numbers, training, words
from bayesgeo.reporting.curves import Line
from bayesgeo.reporting.facts import CI_PROB
from bayesgeo.reporting.figures import Mark, Picture
from bayesgeo.reporting.numbers import decimals_by_error, decimals_for, fixed, interval, width

Facts = Mapping[str, Any]
COLUMNS = {
    "classification": ("log_loss", "brier_score", "accuracy", "precision", "recall", "f1"),
    "regression": ("log_score", "rmse", "crps", "coverage_90"),
}
SECTIONS = (
    *("decision", "data", "model", "computation", "posterior", "checks", "sensitivity", "predictions", "comparison"),
    *("reproduce", "guidelines", "limits"),
)
MOST_EVENTS = 6
CITED = (
    "R-hat and effective sample size: Vehtari et al. 2021, Bayesian Analysis 16, 667",
    "reliability and its parts: Dimitriadis, Gneiting & Jordan 2021, PNAS 118, e2016191118",
    "relative economic value: Richardson 2000, Quarterly Journal of the Royal Meteorological Society 126, 649",
    "interval over folds: Nadeau & Bengio 2003, Machine Learning 52, 239",
)
RANKED = ("roc_auc", "average_precision")
GAPS = {"classification": ("log_loss", "accuracy"), "regression": ("log_score", "rmse")}


def render(facts: Facts) -> str:
    """Write facts as a page of HTML.

    Parameters
    ----------
    facts : mapping
        What :func:`bayesgeo.reporting.facts.gather` returns, with its ``decision`` and ``reproduce``.

    Returns
    -------
    str
        A page without scripts or references to anything outside it; every name in it is escaped.
    """
    template = _environment().get_template("template.html.j2")
    models, task = facts["models"], facts["dataset"]["task"]
    gaps = [name for name in GAPS[task] if "random_rows" in models[0]["metrics"][name]]
    bayesian = [model for model in models if model["posterior"] or model["kind"] == "Bayesian"]
    return template.render(
        facts=facts,
        sections=[section for section in SECTIONS if bayesian or section != "posterior"],
        columns={name: _decimals(facts, name) for name in COLUMNS[task] if name in models[0]["metrics"]},
        gaps=gaps,
        prob=next(iter(models[0]["metrics"].values()))["prob"],
        near=[item for item in facts["comparisons"] if item["a"] == models[0]["name"]],
        resampled=_resampled(models[0]),
        bayesian=bayesian,
        optimism=words.optimism_sentence(facts),
        scores=_scores_figure(facts),
        differences=_differences_figure(facts),
        value=_value_figures(facts),
        risk=_risk_figure(facts),
        ranked={name: _decimals(facts, name) for name in RANKED if name in models[0]["metrics"]},
        rankings=_ranking_figures(facts),
        networks=[model for model in models if model["training"]],
        repeated=[model for model in models if model["seeds"]],
        places=facts["dataset"]["places"],
        cited=CITED,
        told=Counter(item["status"] for item in facts["guidelines"]),
        sensitive=[model for model in bayesian if model["of_model"]["sensitivity"]],
        loss=next((model["selective"]["loss"] for model in models if model["selective"]), ""),
        event=next((model["calibration"].get("event", "") for model in models if model["calibration"]), ""),
        ci_prob=CI_PROB,
        most=figures.MOST,
    )


def _resampled(model: Facts) -> str:
    metric = next(iter(model["metrics"].values()))
    kind = "rows" if metric["resampled"] == "row" else f"whole groups ({metric['resampled']})"
    return f"{metric['blocks']} {kind}"


def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FileSystemLoader(Path(__file__).parent),
        finalize=_finalize,
    )
    environment.filters |= {
        "number": numbers.number,
        "fixed": numbers.fixed,
        "percent": names.percent,
        "metric_name": names.metric_name,
        "compared": differences.compared,
        "optimism": words.optimism,
        "or_dash": lambda value: numbers.DASH if value is None else numbers.number(value),
        "estimate": _estimate,
        "posterior_interval": _posterior_interval,
        "quantity": _quantity,
        "calibration_figures": _calibration_figures,
        "calibrated": words.calibrated,
        "brier_parts": words.brier_parts,
        "kept_risk": _kept_risk,
        "graph": graph.graph,
        "effects": _effects_figure,
        "quantity_name": names.quantity_name,
        "growth": _growth_figure,
        "training_curves": lambda curves, number: training.training_curves(curves, name=f"training{number}"),
        "trained": training.trained,
        "maps": _maps,
        "seeds_sentence": differences.seeds_sentence,
        "same_sentence": differences.same_sentence,
        "by_chain": _by_chain_figure,
    }
    return environment


def _finalize(value: Any) -> Any:
    return value if isinstance(value, Markup) else numbers.clean(str(value))


def _decimals(facts: Facts, name: str) -> int:
    """Return the decimals of a column of scores: those of its narrowest interval, but of no baseline's."""
    models = [model for model in facts["models"] if model["kind"] != "baseline"] or facts["models"]
    metrics = [model["metrics"][name] for model in models]
    wanted = max(decimals_for(width(metric["low"], metric["high"])) for metric in metrics)
    return min(max(wanted, 3), 4) if facts["dataset"]["labels"] else wanted


def _estimate(metric: Facts, decimals: int) -> dict[str, str]:
    ends = interval(metric["low"], metric["high"], decimals=decimals)
    return {"value": fixed(metric["value"], decimals), "interval": ends}


def _posterior_interval(metric: Facts) -> str:
    low, high = metric.get("posterior_low"), metric.get("posterior_high")
    return "" if low is None else f"[{interval(low, high, decimals=3)}]"


def _quantity(summary: Facts) -> dict[str, str]:
    """Write a summary of the posterior with the digits that its Monte Carlo error allows."""
    decimals = decimals_by_error(summary["mcse_mean"], summary["sd"])
    low, high = (summary[key] for key in _ends(summary))
    return {
        "mean": fixed(summary["mean"], decimals),
        "sd": fixed(summary["sd"], decimals_by_error(summary["mcse_sd"], summary["sd"])),
        "interval": interval(low, high, decimals=decimals),
        "r_hat": fixed(summary["r_hat"], 3),
        "ess_bulk": fixed(summary["ess_bulk"], 0),
        "ess_tail": fixed(summary["ess_tail"], 0),
    }


def _ends(summary: Facts) -> list[str]:
    return [key for end in ("_lb", "_ub") for key in summary if key.startswith("eti") and key.endswith(end)]


def _scores_figure(facts: Facts) -> Picture:
    name = COLUMNS[facts["dataset"]["task"]][0]
    metric = [(model, model["metrics"][name]) for model in facts["models"]]
    marks = [Mark(m["name"], s["value"], s["low"], s["high"], m["kind"]) for m, s in metric]
    better = "higher is better" if name == "log_score" else "lower is better"
    exact = facts["dataset"]["exact"]
    return figures.forest(
        marks,
        name="scores",
        xlabel=f"{names.metric_name(name)}, {better}",
        reference=exact and exact[name],
        reference_label="the exact posterior" if exact else "",
    )


def _differences_figure(facts: Facts) -> Picture | None:
    best = facts["models"][0]["name"]
    kinds = {model["name"]: model["kind"] for model in facts["models"]}
    items = [item for item in facts["comparisons"] if item["a"] == best]
    if not items:
        return None
    marks = [Mark(f"over {i['b']}", i["difference"], i["low"], i["high"], kinds[i["b"]]) for i in items]
    xlabel = "advantage, nats per row"
    return figures.forest(marks, name="differences", xlabel=xlabel, reference=0.0, reference_label="no difference")


def _calibration_figures(model: Facts, number: int, dataset: Facts) -> list[Picture]:
    kind, calibration = model["kind"], model["calibration"]
    if dataset["task"] == "regression":
        drawn = [figures.scatter(model["scatter"], unit=dataset["unit"], name=f"scatter{number}", kind=kind)]
        return drawn + ([curves.pit(calibration, name=f"pit{number}", kind=kind)] if calibration else [])
    if not calibration:
        return []
    event = f"P({calibration['event']})" if len(dataset["labels"]) == 2 else "confidence"
    return [curves.reliability(calibration, name=f"calibration{number}", kind=kind, event=event)]


def _value_figures(facts: Facts) -> list[dict[str, Any]]:
    """Draw the relative economic value of all models, one figure for each event."""
    models = [model for model in facts["models"] if model["value"]]
    events = models[0]["value"]["event"] if models else []
    drawn = []
    for k, event in enumerate(events[:MOST_EVENTS]):
        known = [Line(m["name"], m["value"]["ratio"], m["value"]["value"][k], m["kind"]) for m in models]
        ylabel = "relative economic value"
        picture = curves.lines(known, name=f"value{k}", xlabel="cost / loss", ylabel=ylabel, reference=0.0, floor=-0.5)
        drawn.append({"event": event, "picture": picture})
    return drawn


def _ranking_figures(facts: Facts) -> dict[str, Picture]:
    """Draw the posterior of each score of ranks, of all models that have one."""
    known = [model for model in facts["models"] if model["ranking"]]
    drawn = {}
    for name in RANKED if known else ():
        strips = [
            (Mark(m["name"], m["metrics"][name]["value"], None, None, m["kind"]), m["ranking"][name]) for m in known
        ]
        drawn[name] = figures.strips(strips, name=name, xlabel=names.metric_name(name))
    return drawn


def _maps(model: Facts, dataset: Facts) -> list[dict[str, Any]]:
    unit = f" ({dataset['unit']})" if dataset["unit"] else ""
    of = {"error": f"absolute error{unit}", "uncertainty": f"width of the 90 % interval{unit}"}
    if dataset["labels"]:
        of = {"error": "error: one minus the probability of what happened", "uncertainty": "uncertainty: entropy, nats"}
    return [
        {
            "of": of[name],
            "largest": shown["largest"],
            "picture": maps.draw_map(dataset["places"], shown, name=f"map_{name}", of=of[name]),
        }
        for name, shown in model["map"].items()
    ]


def _risk_figure(facts: Facts) -> Picture | None:
    """Draw the risk of the most certain rows of all models."""
    known = [(model, model["selective"]) for model in facts["models"] if model["selective"]]
    if not known:
        return None
    drawn = [Line(m["name"], s["coverage"], s["risk"][s["ranking"].index("total")], m["kind"]) for m, s in known]
    return curves.lines(drawn, name="risk", xlabel="share of rows kept", ylabel=known[0][1]["loss"])


def _kept_risk(selective: Facts) -> dict[str, str]:
    """Write the risk of all rows and of the most certain, ranked by their total uncertainty."""
    at = selective["ranking"].index("total")
    shown: dict[str, str] = {}
    for name, key in (("at_80", "risk_at_80"), ("aurc", "aurc")):
        value, low, high = (selective[key + end][at] for end in ("", "_low", "_high"))
        decimals = decimals_for(width(low, high))
        shown |= {name: fixed(value, decimals), f"{name}_interval": interval(low, high, decimals=decimals)}
    return shown | {"all": numbers.number(selective["risk_of_all"]), "best": numbers.number(selective["aurc_best"])}


def _effects_figure(model: Facts, number: int) -> Picture | None:
    usable = [effect for effect in model["effects"] if effect["mean"] is not None]
    usable = sorted(usable, key=lambda effect: -abs(effect["mean"]))[: figures.MOST]
    if not usable:
        return None
    marks = []
    for effect in usable:
        low, high = (effect[key] for key in _ends(effect))
        marks.append(Mark(_effect_label(effect), effect["mean"], low, high, prior=_prior(effect)))
    xlabel = "effect of one sd of the feature"
    return figures.forest(marks, name=f"effects{number}", xlabel=xlabel, reference=0.0, reference_label="no effect")


def _prior(effect: Facts) -> tuple[float, float] | None:
    low, high = effect.get("prior_low"), effect.get("prior_high")
    return None if low is None or high is None else (low, high)


def _growth_figure(growth: Facts, number: int) -> Picture:
    of = "evidence lower bound (nats)" if growth["of"] == "elbo" else "log score, nats per row"
    return figures.curves(growth["step"], growth["chains"], growth["all"], name=f"growth{number}", ylabel=of)


def _by_chain_figure(by_chain: Facts, number: int) -> Picture:
    scores = [(f"chain {k}", score) for k, score in enumerate(by_chain["chains"]) if score is not None]
    together = [] if by_chain["all"] is None else [Mark("all draws together", by_chain["all"], None, None)]
    marks = [*together, *(Mark(label, score, None, None, "chain") for label, score in scores)]
    xlabel = f"log score on {by_chain['points']} rows, nats per row"
    return figures.forest(marks, name=f"chains{number}", xlabel=xlabel)


def _effect_label(effect: Facts) -> str:
    return " → ".join(effect[key] for key in ("feature", "label") if key in effect)
