"""Broken tables are refused with the problem, its place and the fix, or handled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.tables.read import read_table
from tests.datasets.tables.changing import change, save

REFUSED = {
    "NaN": (
        change(2, "GR", None),
        {},
        r"column 'GR'\. 1 of 40 values are missing: row 3\. Fill them, give missing",
    ),
    "missing target": (change(4, "rock", None), {}, r"column 'rock'\. 1 of 40 .* row 5"),
    "missing group": (change(0, "well", None), {"group": "well"}, r"column 'well'\. 1 of 40 .* row 1"),
    "infinite": (change(6, "GR", np.inf), {}, r"column 'GR'\. It is infinite at row 7\. Correct"),
    "all missing": (
        lambda t: t.assign(PE=np.nan),
        {},
        r"column 'PE'\. All its values are missing\. Leave it out",
    ),
    "text among numbers": (
        change(3, "GR", "high"),
        {},
        r"column 'GR'\. Text among its numbers: 'high' at row 4",
    ),
    "code for missing": (
        change(9, "GR", -999.25),
        {},
        r"column 'GR'\. 1 values of -999\.25 are far from all others, row 10: .* Empty those cells",
    ),
    "one class": (
        lambda t: t.assign(rock="sand"),
        {},
        r"target 'rock'\. All rows are of class 'sand'\. Add rows",
    ),
    "class of one row": (
        change(7, "rock", "salt"),
        {},
        r"target 'rock'\. Classes with one row .*'salt' \(row 8\)",
    ),
    "one row": (lambda t: t.head(1), {}, r"table '1 rows'\. It needs at least two"),
    "no rows": (lambda t: t.head(0), {}, r"table '0 rows'\. It needs at least two"),
    "same name twice": (
        lambda t: t.rename(columns={"RHOB": "GR"}),
        {},
        r"header .*occur more than once: 'GR'\. Give each",
    ),
    "chosen constant": (
        lambda t: t.assign(k=3.5),
        {"features": ["GR", "k"]},
        r"feature 'k'\. It is 3\.5 in every row\. Leave it out",
    ),
    "chosen copy": (
        lambda t: t.assign(GR2=t.GR),
        {"features": ["GR", "GR2"]},
        r"feature 'GR2'\. It repeats column 'GR'\. Leave",
    ),
    "gigantic target": (
        lambda t: t.assign(y=t.GR * 1e9),
        {"target": "y"},
        r"target 'y'\. .*e\+10 at row 1 is beyond 1e\+09 \(40 rows",
    ),
    "constant target": (lambda t: t.assign(y=1.5), {"target": "y"}, r"target 'y'\. It is 1\.5 in every row"),
    "wrong target": (
        lambda t: t,
        {"target": "rocks"},
        r"target 'rocks'\. .*no such column\. Did you mean 'rock'\?",
    ),
    "wrong group": (lambda t: t, {"group": "wel"}, r"group 'wel'\. .*Did you mean 'well'\?"),
    "target among features": (
        lambda t: t,
        {"features": ["GR", "rock"]},
        r"target 'rock'\. It is also among features\. Take it out",
    ),
    "group among features": (
        lambda t: t,
        {"group": "well", "features": ["GR", "well"]},
        r"group 'well'\. It is also among features",
    ),
    "target as group": (lambda t: t, {"group": "rock"}, r"group 'rock'\. It is the target"),
    "one group": (
        lambda t: t.assign(well="A"),
        {"group": "well"},
        r"group 'well'\. All rows belong to .*'A'",
    ),
    "groups of one": (
        lambda t: t.assign(well=[f"w{i}" for i in range(40)]),
        {"group": "well"},
        r"Every one of its 40 groups has one",
    ),
    "swapped places": (
        lambda t: t.assign(longitude=46.2, latitude=-122.1),
        {},
        r"look swapped: latitude is -122\.1 at row 1\. Swap",
    ),
    "impossible latitude": (
        lambda t: t.assign(lon=t.GR + 100, lat=95.0),
        {},
        r"column 'lat'\. 95 at row 1 is outside -90 to 90",
    ),
    "too many categories": (
        lambda t: t.assign(name=[f"n{i // 1.2:.0f}" for i in range(40)]),
        {},
        r"column 'name'\. It has 3\d categories",
    ),
    "no date": (
        lambda t: t.assign(when="soon"),
        {"time": "when"},
        r"time 'when'\. 'soon' at row 1 is not a date",
    ),
    "unknown positive": (lambda t: t, {"positive": "sands"}, r"positive 'sands'\. .*Did you mean 'sand'\?"),
    "quantity with a positive class": (
        lambda t: t,
        {"target": "GR", "positive": "5"},
        r"positive '5'\. Target 'GR' is a quantity",
    ),
    "unknown task": (
        lambda t: t,
        {"task": "classify"},
        r"task 'classify'\. .*Did you mean 'classification'\?",
    ),
    "nothing to learn from": (
        lambda t: t[["rock", "well"]],
        {"group": "well"},
        r"No column is left to learn from",
    ),
}


@pytest.mark.parametrize(("breaks", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_broken_table_is_refused_by_name(tmp_path, wells, breaks, options, message):
    path = save(tmp_path / "wells.csv", breaks(wells))
    with pytest.raises(InvalidInput, match=message):
        read_table(path, **{"target": "rock"} | options)


CELLS = st.sampled_from(["", "1", "-2.5", "1e12", "inf", "nan", "x", "é", '"', "2020-01-01", "-999.25", " 3 "])


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS, st.sampled_from("st")), min_size=1, max_size=12))
def test_any_cells_are_read_or_refused(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("fuzz") / "t.csv"
    path.write_text("\n".join(",".join(row) for row in [("a", "lat", "time", "rock"), *rows]), encoding="utf-8")
    try:
        data = read_table(path, target="rock")
    except InvalidInput:
        return
    assert np.isfinite(data.X.values).all()
