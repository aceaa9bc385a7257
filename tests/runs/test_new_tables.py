"""Every new table is predicted rightly, or refused by column and row: units, codes, gaps, columns, rows far away."""

import os
import re

import numpy as np
import pandas as pd
import pytest

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.split import split
from bayesgeo.datasets.tables.read import read_table
from bayesgeo.runs.prediction import predict_table
from bayesgeo.runs.reading import new_rows
from bayesgeo.runs.reference import load_reference
from bayesgeo.runs.study import study

UNITS = {"distance": "km", "vs30": "m/s", "temperature": "degC", "soil": "", "site": "", "pga": "ln g"}


def draw(n, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "distance": rng.uniform(5, 100, n).round(2),
        "vs30": rng.uniform(200, 800, n).round(1),
        "temperature": rng.uniform(0, 30, n).round(1),
        "soil": np.resize(["clay", "rock", "sand"], n),
        "site": np.repeat([f"s{k}" for k in range(10)], n // 10),
    })  # fmt: skip
    noise = 0.1 * rng.normal(size=n)
    frame["pga"] = 2 - 0.03 * frame.distance - 0.002 * frame.vs30 + (frame.soil == "clay") * 0.5 + noise
    return frame


def with_units(frame, **units):
    """Put a row of units below the header."""
    units = UNITS | units
    return pd.concat([pd.DataFrame([{name: units.get(name, "") for name in frame}]), frame.astype(object)])


def headed(frame, form, **units):
    known = {name: unit for name, unit in (UNITS | units).items() if unit}
    return frame.rename(columns={name: form.format(name, known[name]) for name in frame if name in known})


def cell(row, column, value):
    return lambda t: t.assign(**{column: t[column].astype(object).where(t.index != row - 1, value)})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of a run on 200 rows; -1 stands for a missing vs30."""
    folder = tmp_path_factory.mktemp("run")
    train = draw(200, 0)
    train.loc[[3, 77], "vs30"] = -1
    with_units(train).to_csv(folder / "train.csv", index=False)
    options = {"target": "pga", "group": "site", "missing": "drop", "codes": [-1]}
    data = read_table(folder / "train.csv", **options)
    study(data, ["ridge"], out=folder / "run", by=split(data))
    return folder / "run"


@pytest.fixture(scope="module")
def plain(run):
    """Return 20 new rows as they are read when the training table writes them."""
    return read(run, with_units(draw(20, 1).drop(columns="pga")))


def read(run, frame):
    table = run.parent / "new.csv"
    frame.to_csv(table, index=False)
    return new_rows(run, table)


def predicted(run, frame):
    table, out = run.parent / "new.csv", run.parent / "out.csv"
    frame.to_csv(table, index=False)
    out.unlink(missing_ok=True)
    done = predict_table(run, table, out=out)
    return pd.read_csv(out), done


def far_away(frame):
    return frame.assign(distance=3000.0)


AS_LEARNED = {
    "the target is there": (with_units, ""),
    "reordered": (lambda t: with_units(t[t.columns[::-1]]), ""),
    "more columns": (lambda t: with_units(t.assign(operator="x", note=1.5)), ""),
    "no units": (lambda t: t, r"no unit for distance \[km\], vs30 \[m/s\], temperature \[degC\]: taken to be"),
    "km as m in a row": (lambda t: with_units(t.assign(distance=t.distance * 1000), distance="m"), "from m to km"),
    "km as m in brackets": (
        lambda t: headed(t.assign(distance=t.distance * 1000), "{} [{}]", distance="m"),
        "'distance' was converted from m to km",
    ),
    "km as m in round brackets": (
        lambda t: headed(t.assign(distance=t.distance * 1000), "{} ({})", distance="m"),
        "converted from m to km",
    ),
    "km as miles": (lambda t: with_units(t.assign(distance=t.distance / 1.609344), distance="mile"), "from mile to km"),
    "m/s as km/s": (lambda t: with_units(t.assign(vs30=t.vs30 / 1000), vs30="km/s"), "from km/s to m/s"),
    "m/s in the way of CF": (lambda t: with_units(t.assign(vs30=t.vs30 * 100), vs30="cm s-1"), "from cm s-1 to m/s"),
    "degC as K": (lambda t: with_units(t.assign(temperature=t.temperature + 273.15), temperature="K"), "from K to"),
    "degC as degF": (
        lambda t: with_units(t.assign(temperature=t.temperature * 1.8 + 32), temperature="degF"),
        "from degF to degC",
    ),
    "other spelling of km": (lambda t: with_units(t, distance="kilometre"), "from kilometre to km"),
    "whole numbers as text": (lambda t: t.assign(soil=t.soil.astype("category")), ""),
    "index written": (lambda t: t.reset_index(names=""), "first column has no name"),
    "group is missing": (lambda t: t.drop(columns="site"), ""),
    "group never seen": (lambda t: t.assign(site="s99"), ""),
    "gap in the group": (lambda t: t.assign(site=None), ""),
    "gap in the target": (lambda t: t.assign(pga=None), ""),
    "text in the target": (lambda t: t.assign(pga="unknown"), ""),
    "code in the target": (lambda t: t.assign(pga=-999.25), ""),
    "gap in a column not learned from": (lambda t: t.assign(depth=None), ""),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("make", "note"), AS_LEARNED.values(), ids=AS_LEARNED)
def test_a_table_written_otherwise_is_read_as_the_same_rows(run, plain, make, note):
    found = read(run, make(draw(20, 1)))
    # The factors of units and the digits of CSV leave twelve places.
    assert found.X.values == pytest.approx(plain.X.values, rel=1e-11, abs=1e-11)
    assert re.search(note, " ".join(found.notes))


REFUSED = {
    "unit of another kind": (lambda t: with_units(t, distance="s"), r"unit 's'\. Column 'distance' was learned in km"),
    "unit that is none": (lambda t: with_units(t, distance="furlongish"), r"unit 'furlongish'\. Column 'distance' was"),
    "logarithm of a unit": (lambda t: with_units(t, distance="log10 km"), r"unit 'log10 km'\. Column 'distance'"),
    "decibels": (lambda t: with_units(t, vs30="dB"), r"unit 'dB'\. Column 'vs30' was learned in m/s"),
    "per cent": (lambda t: with_units(t, temperature="%"), r"unit '%'\. Column 'temperature' was learned in degC"),
    "milli or mega": (lambda t: with_units(t, distance="MM"), r"unit 'MM'\. Column 'distance' was learned in km"),
    "column is missing": (lambda t: t.drop(columns="vs30"), r"column 'vs30'\. The table has no such column"),
    "column is misspelt": (lambda t: t.rename(columns={"vs30": "vs3O"}), r"column 'vs30'\. .*Did you mean 'vs3O'\?"),
    "column in capitals": (lambda t: t.rename(columns={"soil": "SOIL"}), r"column 'soil'\. The table has no such"),
    "column twice": (lambda t: t.rename(columns={"pga": "vs30"}), r"Column names occur more than once: 'vs30'"),
    "no rows": (lambda t: t.head(0), r"table 'new\.csv'\. It has no rows"),
    "gap": (cell(4, "vs30", None), r"column 'vs30'\. 1 of 20 values are missing: row 4"),
    "gap in categories": (cell(4, "soil", None), r"column 'soil'\. 1 of 20 values are missing: row 4"),
    "a column of gaps": (lambda t: t.assign(vs30=None), r"column 'vs30'\. All its values are missing"),
    "infinite": (cell(5, "distance", np.inf), r"column 'distance'\. It is infinite at row 5"),
    "text among numbers": (cell(6, "distance", "far"), r"column 'distance'\. Text among its numbers: 'far' at row 6"),
    "numbers with commas": (cell(6, "distance", "1,250"), r"Text among its numbers: '1,250' at row 6"),
    "below detection": (cell(6, "vs30", "<200"), r"column 'vs30'\. Text among its numbers: '<200' at row 6"),
    "another category": (cell(7, "soil", "peat"), r"column 'soil'\. Category 'peat' at row 7 is not in the training"),
    "another case": (cell(7, "soil", "Clay"), r"Category 'Clay' at row 7 .*Did you mean 'clay'\?"),
    "numbers for categories": (lambda t: t.assign(soil=1), r"column 'soil'\. Category '1' at row 1"),
    "code declared when learning": (cell(8, "vs30", -1), r"column 'vs30'\. 1 values of -1 stand for missing .*row 8"),
    "-999.25": (cell(8, "distance", -999.25), r"column 'distance'\. 1 values of -999\.25 stand .*row 8"),
    "-9999.25": (cell(8, "distance", -9999.25), r"1 values of -9999\.25 stand for missing ones, row 8"),
    "-99": (cell(8, "temperature", -99), r"column 'temperature'\. 1 values of -99 stand for missing ones, row 8"),
    "-32768": (cell(8, "vs30", -32768), r"column 'vs30'\. 1 values of -32768 stand"),
    "9999": (cell(8, "temperature", 9999), r"column 'temperature'\. 1 values of 9999 stand"),
    "fill of netCDF": (cell(8, "vs30", 9.96921e36), r"column 'vs30'\. 1 values of 9\.96921e\+36 stand"),
    "1e30": (cell(8, "vs30", 1e30), r"column 'vs30'\. 1 values of 1e\+30 stand"),
    "a column of codes": (lambda t: t.assign(vs30=-999.25), r"column 'vs30'\. 20 values of -999\.25 stand"),
    "code in one row alone": (lambda t: t.head(1).assign(vs30=-9999), r"column 'vs30'\. 1 values of -9999 stand"),
    "1e308": (cell(9, "vs30", 1e308), r"column 'vs30'\. 1e\+308 at row 9 is beyond 1e\+100"),
    "code in categories": (cell(9, "soil", "-999"), r"column 'soil'\. .*-999"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_a_table_that_cannot_be_predicted_is_refused_by_column_and_row(run, make, message):
    with pytest.raises(InvalidInput, match=message):
        read(run, make(draw(20, 1)))


@pytest.mark.slow
def test_rows_like_the_training_rows_are_not_far_and_others_are(run):
    near = predicted(run, draw(1000, 2))[0]
    # The limit is what one test row in a hundred exceeded; the binomial sd of 1,000 rows at .01 is .003, and of the
    # 200 rows that set the limit .007: three of both together.
    assert near["far"].mean() <= 0.01 + 3 * np.hypot(0.003, 0.007)
    away, done = predicted(run, far_away(draw(20, 1)))
    assert away["far"].all()
    assert done.far == 20
    spread = read_table(run.parent / "train.csv", target="pga", missing="drop", codes=[-1]).X.sel(feature="distance")
    assert (away["distance"] >= (3000 - 100) / float(spread.std()) * 0.9).all()


@pytest.mark.slow
def test_a_known_code_among_values_like_it_is_a_value(run):
    cold = draw(20, 1).assign(temperature=np.linspace(-120.0, -80.0, 20).round())
    assert -99 in read(run, cold.assign(temperature=[-99.0, *cold["temperature"][1:]])).X.sel(feature="temperature")


@pytest.mark.slow
@pytest.mark.parametrize("link", ["same", "symbolic", "hard", "manifest"])
def test_predictions_never_overwrite_what_they_are_made_from(run, link):
    table = run.parent / "precious.csv"
    draw(20, 1).to_csv(table, index=False)
    before, out = table.read_bytes(), run.parent / f"{link}.csv"
    if link == "symbolic":
        out.symlink_to(table)
    elif link == "hard":
        out.hardlink_to(table)
    out = {"same": table, "manifest": run / "manifest.json"}.get(link, out)
    with pytest.raises(InvalidInput, match=r"Invalid out .* It exists, and nothing is overwritten"):
        predict_table(run, table, out=out)
    assert table.read_bytes() == before


@pytest.mark.slow
def test_a_lost_or_foreign_reference_is_refused_with_the_way_back(run):
    whole = (run / "reference.safetensors").read_bytes()
    for content in (b"", whole[:40], whole[:-8]):
        (run / "reference.safetensors").write_bytes(content)
        with pytest.raises(InvalidInput, match=r"reference\.safetensors is missing or cannot be read\. Run the comp"):
            read(run, draw(20, 1))
    # A pipe would be read for ever.
    (run / "reference.safetensors").unlink()
    os.mkfifo(run / "reference.safetensors")
    with pytest.raises(InvalidInput, match=r"reference\.safetensors is missing or cannot be read"):
        load_reference(run, 3)
    (run / "reference.safetensors").unlink()
    (run / "reference.safetensors").write_bytes(whole)
