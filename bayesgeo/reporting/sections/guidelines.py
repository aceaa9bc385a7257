"""Bayesian analysis reporting guidelines: each item, with the section that answers it or the reason why none does.

The items are those of Kruschke (2021, Nature Human Behaviour 5:1282, Table 1), in other words. The preamble and steps 1
and 2 were checked against the text of the table, step 3 against an account of it by another author; of steps 4 to 6
neither was at hand, so their order and number could not be verified.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bayesgeo.reporting.sections.base import Section

Facts = dict[str, Any]
Answer = tuple[str, str, str]  # status, section that answers, and its content or the reason for none
REPORTED, PART, MISSING, INAPPLICABLE = "reported", "in part", "not reported", "not applicable"
STATUSES = (REPORTED, PART, MISSING, INAPPLICABLE)
Ask = Callable[[Mapping[str, Any], Sequence[Facts]], Answer]
INEXACT = ("unadjusted chains", "approximation")


def guidelines(facts: Mapping[str, Any]) -> list[Facts]:
    """Check the report against the guidelines, item by item.

    Parameters
    ----------
    facts : mapping
        Facts of the report, with ``reproduce``.

    Returns
    -------
    list of dict
        ``code`` ("P" is the preamble), ``asks``, ``status`` ("reported", "in part", "not reported" or "not
        applicable"), ``section`` of the page (empty where there is none) and ``answer``.
    """
    bayesian = [model for model in facts["models"] if model["kind"] == "Bayesian"]
    none = (INAPPLICABLE, "", "No model here has a posterior.")
    found = []
    for code, (asks, answer, always) in ITEMS.items():
        status, section, text = answer(facts, bayesian) if always or bayesian else none
        found.append({"code": code, "asks": asks, "status": status, "section": section, "answer": text})
    return found


def _always(status: str, section: str, text: str) -> Ask:
    return lambda facts, bayesian: (status, section, text)


def _why(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    text = "For probabilities and intervals that say what is not known; what that gains over the deterministic models "
    others = any(model["kind"] == "deterministic" for model in facts["models"])
    return REPORTED, "decision", text + ("is measured here." if others else "is open: none was scored.")


def _goal(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    dataset = facts["dataset"]
    return REPORTED, "decision", f"To predict {dataset['target']} of rows not seen, and to choose the model for it."


def _variables(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    features = facts["dataset"]["features"]
    bare = sum(not feature["unit"] for feature in features)
    text = f"The target and {len(features)} features"
    return (PART, "data", f"{text}, {bare} without a unit.") if bare else (REPORTED, "data", f"{text} with units.")


def _specified(what: str) -> Ask:
    def answer(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
        bare = [model["name"] for model in bayesian if not model["specification"]]
        if not bare:
            return REPORTED, "model", what
        status = PART if len(bare) < len(bayesian) else MISSING
        return status, "model", f"The report does not know the formula of {', '.join(bare)}."

    return answer


def _in_tables(table: str, section: str, why: str) -> Ask:
    def answer(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
        with_it = [model["name"] for model in bayesian if model["of_model"][table]]
        if not with_it:
            return MISSING, section, why
        return (REPORTED if len(with_it) == len(bayesian) else PART), section, f"For {', '.join(with_it)}."

    return answer


def _software(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    return REPORTED, "reproduce", f"{len(facts['models'][0]['versions'])} libraries with their versions."


def _checked(part: str, name: str) -> Ask:
    def answer(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
        without = [model["name"] for model in bayesian if not _applied(model, part)]
        if not without:
            return REPORTED, "computation", f"{name} of every model, of the functions where it is a network."
        if len(without) == len(bayesian):
            return INAPPLICABLE, "computation", f"{name} applies to no posterior here: the checks say why."
        return REPORTED, "computation", f"{name}; it does not apply to {', '.join(without)}."

    return answer


def _applied(model: Facts, part: str) -> bool:
    checks = model["diagnostics"]["checks"]
    return any(
        part in check["code"].replace("_", "") and check["status"] in ("passed", "tip", "issue") for check in checks
    )


def _approximate(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    used = {model["name"]: model["inference"] or {} for model in bayesian}
    inexact = [f"{name} by {how['inference']}" for name, how in used.items() if how.get("kind") in INEXACT]
    if inexact:
        return REPORTED, "computation", f"Approximate: {', '.join(inexact)}. Its checks stand there."
    if all(how.get("kind") == "exact" for how in used.values()):
        return REPORTED, "computation", "Every posterior is of a closed form: nothing is approximated."
    return INAPPLICABLE, "computation", "No posterior here is approximated."


def _summaries(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    bare = [model["name"] for model in bayesian if not (model["posterior"] or model["network"])]
    text = "Means, standard deviations and intervals; of a network, what it says of rows."
    return (PART, "posterior", f"Nothing to summarise of {', '.join(bare)}.") if bare else (REPORTED, "posterior", text)


def _loss(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    if any(model["value"] for model in facts["models"]):
        return REPORTED, "decision", "The value of acting on the probabilities, for every ratio of cost to loss."
    return INAPPLICABLE, "", "No action follows from these values here; scores are proper scores."


def _estimates(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    if not facts["comparisons"]:
        return INAPPLICABLE, "", "Only one model was scored: no difference is judged."
    return REPORTED, "comparison", "Each conclusion stands beside its difference and interval."


def _sensitivity(kind: str) -> Ask:
    def answer(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
        of_kind = [model for model in bayesian if (model["specification"] or {}).get("prior_kind") == kind]
        if not of_kind:
            return INAPPLICABLE, "sensitivity", f"No model here has a prior that is {kind}."
        why = f"Not computed for the prior of {', '.join(model['name'] for model in of_kind)}."
        return _in_tables("sensitivity", "sensitivity", why)(facts, of_kind)

    return answer


def _decisions_move(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    if any(model["value"] for model in facts["models"]):
        return PART, "decision", "The value is shown for every ratio of cost to loss, but not under other priors."
    return MISSING, "sensitivity", "Not computed under other priors."


def _script(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    if "command" in facts["reproduce"]:
        return REPORTED, "reproduce", "The command, and every model with its parameters."
    return PART, "reproduce", "Every model with its parameters, but no command was handed to this report."


def _seeds(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    return REPORTED, "reproduce", f"Seed {facts['models'][0]['seed']}: the same seed gives the same draws."


def _runnable(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    if "command" in facts["reproduce"]:
        return REPORTED, "reproduce", "The command runs as it stands, where its table is at hand."
    return MISSING, "reproduce", "No command was handed to this report."


def _draws(facts: Mapping[str, Any], bayesian: Sequence[Facts]) -> Answer:
    return REPORTED, "reproduce", "The Evidence of each model holds every draw; a run keeps it in its folder evidence."


_NO_BAYES_FACTOR = _always(
    INAPPLICABLE, "comparison", "Models are compared by their scores on rows not seen, not by Bayes factors."
)
_NO_REGION = _always(INAPPLICABLE, "", "No parameter is tested against a null value, so there is no region around one.")
_PREDICTIVE = _always(REPORTED, "checks", "Predictions of rows not seen, against what happened to them.")
_DECISIONS = _always(REPORTED, "decision", "Which model to use, and whether it can be trusted; models may stay equal.")
_FILES = _always(REPORTED, "data", "SHA-256 of the numbers and of the split.")

# Question, function that answers it, and whether it applies where no model has a posterior.
ITEMS: dict[str, tuple[str, Ask, bool]] = {
    "PA": ("Why a Bayesian analysis", _why, False),
    "PB": ("What the analysis is for", _goal, True),
    "1A": ("What is predicted, and from what", _variables, True),
    "1B": ("Likelihood and all parameters", _specified("In formulas."), False),
    "1C": ("Priors and their reasons", _specified("Each prior with its reason; none was taken from an expert."), False),
    "1D": ("A formal statement of the model", _specified("Formulas; the class and its parameters as code."), False),
    "1E": (
        "What the prior alone predicts",
        _in_tables("prior_predictive", "model", "No draws were kept."),
        False,
    ),
    "2A": ("Software", _software, True),
    "2B": ("Convergence of the chains", _checked("rhat", "R-hat"), False),
    "2C": ("Resolution of the chains", _checked("ess", "The effective sample size"), False),
    "2D": ("Accuracy of anything but MCMC", _approximate, False),
    "3A": ("Predictions of the posterior against the data", _PREDICTIVE, False),
    "3B": ("Summaries of the posterior", _summaries, False),
    "3C": ("Bayes factors and posterior model probabilities", _NO_BAYES_FACTOR, False),
    "4A": ("Why there are decisions, and by which procedure", _DECISIONS, True),
    "4B": ("The loss function", _loss, True),
    "4C": ("Limits of a region of practical equivalence", _NO_REGION, False),
    "4D": ("Thresholds for model probabilities", _NO_BAYES_FACTOR, False),
    "4E": ("Estimates beside decisions", _estimates, True),
    "5A": ("Sensitivity to broad priors", _sensitivity("broad"), False),
    "5B": ("Sensitivity to informed priors", _sensitivity("informed"), False),
    "5C": ("Sensitivity to default priors", _sensitivity("default"), False),
    "5D": ("Sensitivity of Bayes factors", _NO_BAYES_FACTOR, False),
    "5E": ("Sensitivity of decisions", _decisions_move, False),
    "6A": ("Installation", _software, True),
    "6B": ("Script or command", _script, True),
    "6C": ("Reproducible chains", _seeds, False),
    "6D": ("Data and other files", _FILES, True),
    "6E": ("Runs as it stands", _runnable, True),
    "6F": ("The draws themselves", _draws, False),
}


def pictures(facts: Mapping[str, Any]) -> Facts:
    """Return what the template shows beside the facts."""
    return {"counted": Counter(item["status"] for item in facts["guidelines"])}


section = Section("guidelines", 110, pictures=pictures)

__all__ = ["STATUSES", "guidelines", "section"]
