"""Names that try to become markup, script or formula, and a way to put one into every name of a report."""

from collections.abc import Iterator
from typing import Any

PAYLOADS = (
    "<script>hit=1</script>",
    "<img src=x onerror=hit=1>",
    "<svg onload=hit=1>",
    "<svg><script>hit=1</script></svg>",
    "</style><script>hit=1</script>",
    "</title><script>hit=1</script>",
    "--><script>hit=1</script>",
    "]]><script>hit=1</script>",
    '"><script>hit=1</script>',
    "'><img src=x onerror=hit=1>",
    '" onmouseover="hit=1" autofocus onfocus="hit=1',
    "' onfocus='hit=1' autofocus='",
    '"><iframe srcdoc="<script>parent.hit=1</script>">',
    "<iframe src=javascript:parent.hit=1>",
    "<a href=javascript:hit=1>click</a>",
    "javascript:hit=1",
    "<body onload=hit=1>",
    "<details open ontoggle=hit=1>",
    "<video><source onerror=hit=1></video>",
    "<input autofocus onfocus=hit=1>",
    "<math><mtext><script>hit=1</script></mtext></math>",
    "<object data=javascript:hit=1>",
    "<style>@import 'http://a.example/x.css';</style>",
    "{{ ''.__class__ }}{% raw %}<script>hit=1</script>",
    "&lt;script&gt;hit=1&lt;/script&gt;&#x3c;img src=x onerror=hit=1&#x3e;",
)
# What the page chooses by, not what it shows; their values come from the package, never from a table.
CHOSEN = {
    *("kind", "verdict", "level", "status", "task", "conclusion", "of", "ranking", "score", "section"),
    *("groups", "sha256", "split_sha256", "rows_sha256", "preprocessing_sha256", "resampled", "metric"),
}
KNOWN = {"command", "seed", "versions"}
FREE_KEYS = {"labels", "attrs", "reproduce", "parameters", "versions"}  # mappings whose keys are names too


def poisoned(facts: Any, payload: str, key: str = "") -> Any:
    """Put a payload into every string of the facts of a report that a table, a caller or a model may choose."""
    if isinstance(facts, dict):
        fixed = KNOWN if key in FREE_KEYS else facts
        return {
            name if name in fixed else f"{payload}{k}": poisoned(value, payload, name)
            for k, (name, value) in enumerate(facts.items())
        }
    if isinstance(facts, list):
        return [poisoned(value, payload, key) for value in facts]
    return payload if isinstance(facts, str) and key not in CHOSEN else facts


def slots(facts: Any, key: str = "", path: str = "") -> Iterator[str]:
    """Name the kinds of strings that :func:`poisoned` fills, places in lists left out."""
    if isinstance(facts, dict):
        for name, value in facts.items():
            if key in FREE_KEYS and name not in KNOWN:
                yield f"{path} key"
            yield from slots(value, name, f"{path}.{'*' if key in FREE_KEYS else name}")
    elif isinstance(facts, list):
        for value in facts:
            yield from slots(value, key, path)
    elif isinstance(facts, str) and key not in CHOSEN:
        yield path
