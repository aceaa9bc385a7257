"""Whatever a file holds, it is read as finite numbers or refused: thousands of drawn tables."""

import gzip
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.audit import audit
from bayesgeo.datasets.split import split
from bayesgeo.datasets.tables.read import read_table
from tests.datasets.conftest import draw_wells

ANY = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}
NAMES = st.sampled_from(
    [
        "a",
        "b [m]",
        "b (km)",
        "id",
        "depth",
        "lat",
        "lon",
        "x",
        "y",
        "time",
        "date",
        "rock",
        "rock",
        "well",
        "",
        "é",
        "0",
    ]
)
CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            "1",
            "2",
            "-2.5",
            "1e12",
            "1e308",
            "inf",
            "nan",
            "x",
            "y",
            '"',
            "2020-01-01",
            "-999.25",
            "9999",
            " 3 ",
            "m",
        ]
    ),
    st.floats(width=32).map(repr),
    st.integers().map(str),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4),
)


def read_or_refused(path, **options):
    try:
        data = read_table(path, **{"target": "rock"} | options)
        audit(data, split(data, "random", folds=2))
    except InvalidInput:
        return
    assert np.isfinite(data.X.values).all()


@pytest.mark.long
@settings(max_examples=1600, **ANY)
@given(
    st.integers(1, 5).flatmap(
        lambda n: st.tuples(
            st.lists(NAMES, min_size=n, max_size=n),
            st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=0, max_size=12),
        )
    ),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([{}, {"missing": "drop"}, {"group": "well"}, {"task": "regression"}, {"codes": [1.0]}]),
)
def test_any_text_table(tmp_path, table, delimiter, encoding, options):
    path = tmp_path / "t.csv"
    head, rows = table
    path.write_bytes("\n".join(delimiter.join(row) for row in [head, *rows]).encode(encoding))
    read_or_refused(path, **options)


def column_of(kind):
    return st.lists(kind, min_size=8, max_size=8)


KINDS = st.one_of(
    column_of(st.floats()),
    column_of(st.integers(-(2**63), 2**63 - 1)),
    column_of(st.booleans()),
    column_of(st.none() | st.floats(width=16)),
    column_of(st.text(st.characters(codec="utf-8"), max_size=3)),
    column_of(st.sampled_from(["a", "b"])),
    column_of(st.sampled_from([1.0, 2.0, -999.25])),
    column_of(st.binary(max_size=2)),
    column_of(st.lists(st.integers(0, 9), max_size=2)),
    column_of(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-99, max_value=99)),
    column_of(st.dates()),
    column_of(st.datetimes()),
    column_of(st.timedeltas(timedelta(-999), timedelta(999))),
)


@pytest.mark.long
@settings(max_examples=500, **ANY)
@given(st.lists(st.tuples(NAMES.filter(bool), KINDS), min_size=1, max_size=4, unique_by=lambda part: part[0]))
def test_any_typed_table(tmp_path, columns):
    path = tmp_path / "t.parquet"
    pd.DataFrame({**dict(columns), "rock": ["a", "b"] * 4}).to_parquet(path)
    read_or_refused(path)


def packed(tmp_path, ending):
    path = tmp_path / f"whole.{ending}"
    wells = draw_wells()
    if ending == "nc":
        wells.to_xarray().to_netcdf(path, engine="h5netcdf")
    elif ending == "parquet":
        wells.to_parquet(path)
    else:
        path.write_bytes(gzip.compress(wells.to_csv(index=False).encode(), mtime=0))
    return path.read_bytes()


@pytest.mark.long
@pytest.mark.parametrize(("ending", "examples"), [("nc", 200), ("parquet", 600), ("csv.gz", 1200)])
def test_any_damage_to_a_file(tmp_path, ending, examples):
    whole = packed(tmp_path, ending)

    @settings(max_examples=examples, **ANY)
    @given(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), min_size=1, max_size=6))
    def damaged(changes):
        content = bytearray(whole)
        for place, byte in changes:
            content[place] = byte
        path = tmp_path / f"t.{ending}"
        path.write_bytes(content)
        read_or_refused(path)

    damaged()
