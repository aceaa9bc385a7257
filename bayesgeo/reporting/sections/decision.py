"""Which model to use and why: the decision of a report, its reasons in sentences, and the scores behind them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bayesgeo.evaluation.compare import NO_DIFFERENCE
from bayesgeo.reporting.sections import scores, worth
from bayesgeo.reporting.sections.base import Section
from bayesgeo.reporting.sections.comparison import compared
from bayesgeo.reporting.sections.residuals import alike_reasons
from bayesgeo.reporting.text import fixed, listed, number

Facts = dict[str, Any]
GRAVITY = {"ok": 0, "care": 1, "stop": 2}
LEVEL = {"sound": "ok", "doubtful": "care", "failed": "stop", "warn": "care", "refuse": "stop"}


def pictures(facts: Mapping[str, Any]) -> Facts:
    """Return what the template shows: scores with their figures, and the value of acting on the predictions."""
    return {
        "columns": scores.columns(facts),
        "prob": scores.prob(facts),
        "resampled": scores.resampled(facts),
        "estimate": scores.estimate,
        "posterior_interval": scores.posterior_interval,
        "scores": worth.scores_figure(facts),
        "ranked": worth.ranked(facts),
        "rankings": worth.ranking_figures(facts),
        "value": worth.value_figures(facts),
        "risk": worth.risk_figure(facts),
        "kept_risk": worth.kept_risk,
        "loss": next((model["selective"]["loss"] for model in facts["models"] if model["selective"]), ""),
    }


section = Section("decision", 10, pictures=pictures)


def decide(facts: Mapping[str, Any]) -> Facts:
    """Turn facts into a decision: a level, a title and the reasons for it.

    Parameters
    ----------
    facts : mapping
        ``dataset``, ``models``, ``comparisons`` and ``findings``.

    Returns
    -------
    dict
        ``level`` (``ok``, ``care`` or ``stop``: the gravest of the reasons), ``title`` and ``reasons``, the gravest
        first, each with ``level`` and ``text``.
    """
    of_all, of_models = list(_reasons(facts)), list(_posteriors(facts))
    reasons = [{"level": level, "text": text} for level, text in [*of_all, *of_models]]
    reasons.sort(key=lambda reason: -GRAVITY[reason["level"]])
    level = reasons[0]["level"]
    return {"level": level, "title": _title(facts, level, of_all), "reasons": reasons}


def _title(facts: Mapping[str, Any], level: str, of_all: Sequence[tuple[str, str]]) -> str:
    best, verdicts = facts["models"][0]["name"], {m["name"]: m["diagnostics"]["verdict"] for m in facts["models"]}
    if level == "stop":
        failed = [name for name, verdict in verdicts.items() if verdict == "failed"]
        return f"Do not use {listed(failed)}" if failed else "Do not use these scores"
    doubtful = [name for name, verdict in verdicts.items() if verdict == "doubtful"]
    if best in doubtful or "care" in [level for level, _ in of_all]:
        return f"Use with care: {best}"
    # A doubtful posterior of another model does not lower the level of the best one.
    return f"OK to use: {best}" + (f". With care: {listed(doubtful)}" if doubtful else "")


def _reasons(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the reasons that hold for every model; see :func:`_posteriors` for those of each model."""
    yield "ok", _best(facts)
    yield _against_baseline(facts)
    yield from _bayesian_or_not(facts)
    yield from _against_exact(facts)
    yield from alike_reasons(facts)
    yield from _audit(facts)
    gap = scores.optimism_sentence(facts)
    if gap:
        yield "ok", gap


def _best(facts: Mapping[str, Any]) -> str:
    """Name the model that predicts best, by how much, and those not detectably worse."""
    best, task = facts["models"][0], facts["dataset"]["task"]
    score = scores.score_sentence(best, scores.HEADLINE[task][1], task)
    if len(facts["models"]) == 1:
        return f"Only {best['name']} was scored ({score}): there is nothing to compare it with."
    against = [item for item in facts["comparisons"] if item["a"] == best["name"]]
    worse = [item["b"] for item in against if item["conclusion"] != NO_DIFFERENCE]
    failed = {model["name"] for model in facts["models"] if model["diagnostics"]["verdict"] == "failed"}
    tied = [
        f"{item['b']} (failed its checks)" if item["b"] in failed else item["b"]
        for item in against
        if item["conclusion"] == NO_DIFFERENCE
    ]
    text = f"{best['name']} has the best score ({score})"
    text += f" and is better than {listed(worse)}." if worse else "."
    if tied:
        text += f" There is {NO_DIFFERENCE} between it and {listed(tied)}: choose among these by other reasons."
    return text


def _against_baseline(facts: Mapping[str, Any]) -> tuple[str, str]:
    baselines = [model["name"] for model in facts["models"] if model["kind"] == "baseline"]
    best = facts["models"][0]["name"]
    if not baselines:
        return "care", "No baseline was scored, so whether the features help at all is not known."
    if best in baselines:
        return "care", f"No model beats {best}, which ignores the features: they did not help on these rows."
    against = _between(facts, best, baselines[0])
    if against["conclusion"] == NO_DIFFERENCE:
        return "care", f"Whether the features help is open: {compared(against)}"
    return "ok", f"The features help. {compared(against)}"


def _bayesian_or_not(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Compare the best Bayesian with the best deterministic model."""
    bayesian, deterministic = (
        [model["name"] for model in facts["models"] if model["kind"] == kind] for kind in ("Bayesian", "deterministic")
    )
    if bayesian and deterministic:
        against = compared(_between(facts, bayesian[0], deterministic[0]))
        yield "ok", f"Best Bayesian and best deterministic model: {against}"


def _against_exact(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    exact, best = facts["dataset"]["exact"], facts["models"][0]
    if exact is None:
        return
    own, gap = fixed(exact["log_loss"], 4), best["metrics"]["log_loss"]["value"] - exact["log_loss"]
    yield (
        "ok",
        f"These rows were generated, so their exact posterior is known: its own log loss is {own}. "
        f"{best['name']} is {fixed(abs(gap), 4)} {'above' if gap >= 0 else 'below'} that; "
        f"mean |p - p_exact| is {number(best['distance_to_exact'], digits=2)}.",
    )


def _posteriors(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    diagnosed = [model for model in facts["models"] if model["diagnostics"]["verdict"] in LEVEL]
    if not diagnosed:
        yield "ok", "No model with a posterior was scored, so there is no posterior to judge."
    for model in diagnosed:
        yield LEVEL[model["diagnostics"]["verdict"]], f"{_trust(model)} {_failures(model)}".strip()


def _trust(model: Mapping[str, Any]) -> str:
    name, verdict, approximation = model["name"], model["diagnostics"]["verdict"], model["approximation"]
    what = f"The approximation of the posterior of {name}, {approximation}," if approximation else ""
    what = what or f"The posterior of {name}"
    if verdict == "sound":
        passed = "every check that applies passed"
        return f"{what} can be used as one: {passed}." if approximation else f"{what} can be trusted: {passed}."
    if verdict == "doubtful":
        return f"{what} is doubtful: look at the checks before you rely on it."
    return f"{what} failed its checks: do not use its intervals or probabilities."


def _failures(model: Mapping[str, Any]) -> str:
    bad = [check for check in model["diagnostics"]["checks"] if check["status"] in ("tip", "issue")]
    found = [f"{check['code']} {number(check['value'])} (wanted {check['threshold']})" for check in bad]
    return f"Not passed: {listed(found)}. What to do stands under Computation." if found else ""


def _audit(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for finding in facts["findings"]:
        if finding["level"] in LEVEL:
            yield LEVEL[finding["level"]], f"Audit of the data, {finding['code']}: {finding['message']}"


def _between(facts: Mapping[str, Any], one: str, other: str) -> Mapping[str, Any]:
    return next(item for item in facts["comparisons"] if {item["a"], item["b"]} == {one, other})


__all__ = ["decide", "section"]
