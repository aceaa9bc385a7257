"""Which model to use and why: the decision of a report, its reasons in sentences, and the scores behind them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bayesgeo.evaluation.compare import NO_DIFFERENCE, TOO_FEW
from bayesgeo.metrics.paired import fewest_blocks
from bayesgeo.reporting.sections import scores, worth
from bayesgeo.reporting.sections.base import Section
from bayesgeo.reporting.sections.comparison import compared
from bayesgeo.reporting.sections.errors import errors_reason
from bayesgeo.reporting.sections.question import question
from bayesgeo.reporting.sections.residuals import alike_reasons
from bayesgeo.reporting.text import fixed, listed, number

Facts = dict[str, Any]
GRAVITY = {"ok": 0, "care": 1, "stop": 2}
USELESS = "nothing here predicts the target"
LEVEL = {"sound": "ok", "doubtful": "care", "failed": "stop", "warn": "care", "refuse": "stop"}


def pictures(facts: Mapping[str, Any]) -> Facts:
    """Return what the template shows: scores with their figures, and the value of acting on the predictions."""
    return {
        "question": question(facts),
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
        useless = _useless(facts)
        if useless:
            return useless
        failed = [name for name, verdict in verdicts.items() if verdict == "failed"]
        return f"Do not use {listed(failed)}" if failed else "Do not use these scores"
    doubtful = [name for name, verdict in verdicts.items() if verdict == "doubtful"]
    if best in doubtful or "care" in [level for level, _ in of_all]:
        return f"Use with care: {best}"
    # A doubtful posterior of another model does not lower the level of the best one.
    return f"OK to use: {best}" + (f". With care: {listed(doubtful)}" if doubtful else "")


def _useless(facts: Mapping[str, Any]) -> str:
    """Return the title where no model is shown better than the baseline; empty where one is, or none was scored."""
    baseline = facts["baseline"]
    if baseline is None:
        return f"Do not use: {USELESS}" if facts["models"][0]["kind"] == "baseline" else ""
    if baseline["shown"]:
        return ""
    few = baseline["conclusion"] == TOO_FEW
    return f"Do not use: {USELESS}" + (f", as far as {scores.resampled(facts)} can tell" if few else "")


def _reasons(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the reasons that hold for every model; see :func:`_posteriors` for those of each model."""
    yield "ok", _best(facts)
    yield _against_baseline(facts)
    found = errors_reason(facts["models"][0])
    if found and not _useless(facts):
        yield found
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
    worse = [item["b"] for item in against if item["conclusion"] == "better"]
    text = f"{best['name']} has the best score ({score})"
    text += f" and is better than {listed(worse)}." if worse else "."
    tied = _named(facts, against, NO_DIFFERENCE)
    if tied:
        text += f" There is {NO_DIFFERENCE} between it and {listed(tied)}: choose among these by other reasons."
    untold = _named(facts, against, TOO_FEW)
    if untold:
        text += f" {scores.resampled(facts)} are too few to tell whether it is better than {listed(untold)}: it takes "
        text += f"{fewest_blocks(against[0]['prob'])}."
    return text


def _named(facts: Mapping[str, Any], against: Sequence[Mapping[str, Any]], conclusion: str) -> list[str]:
    failed = {model["name"] for model in facts["models"] if model["diagnostics"]["verdict"] == "failed"}
    names = [item["b"] for item in against if item["conclusion"] == conclusion]
    return [f"{name} (failed its checks)" if name in failed else name for name in names]


def _against_baseline(facts: Mapping[str, Any]) -> tuple[str, str]:
    best, baseline = facts["models"][0], facts["baseline"]
    if baseline is None and best["kind"] != "baseline":
        return "care", "No baseline was scored, so whether the features help at all is not known."
    if best["kind"] == "baseline":
        return "stop", f"The features do not help: no model beats {best['name']}, which ignores them."
    against = compared(_between(facts, best["name"], baseline["baseline"]))
    if best["name"] in baseline["shown"]:
        return "ok", f"The features help. {against}"
    if baseline["shown"]:
        shown = listed(baseline["shown"])
        return "care", f"The features help {shown}. That they help {best['name']} is not shown. {against}"
    if baseline["conclusion"] == TOO_FEW:
        few = f"{scores.resampled(facts)} are too few to show that they do, it takes {baseline['needed']}"
        return "stop", f"The features do not help, as far as can be told: {few}. {against}"
    looked = len(baseline["p"])
    allowed = f" (with {looked} models to look at, p = {fixed(min(baseline['p'].values()), 3)})" if looked > 1 else ""
    return "stop", f"The features do not help: no model is shown better than {baseline['baseline']}{allowed}. {against}"


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
