"""A model of a run predicts new tables, whatever the table of the run is called."""

import pandas as pd
import pytest

from bayesgeo import read_table, split
from bayesgeo.runs.prediction import predict_table
from bayesgeo.runs.reading import new_rows
from bayesgeo.runs.study import study
from tests.tables import shaking, write_csv


@pytest.mark.slow
def test_a_users_table_named_like_a_data_set_of_ours_can_be_predicted_on(tmp_path):
    table = write_csv(shaking(), tmp_path / "seismic_events.csv")
    data = read_table(table, target="pga", group="site")
    assert (data.name, data.origin.library) == ("seismic_events", "")
    study(data, ["mean", "ridge"], out=tmp_path / "run", by=split(data, folds=3))
    done = predict_table(tmp_path / "run", table, out=tmp_path / "out.csv")
    assert (done.rows, done.model) == (data.n_rows, "ridge")
    found = pd.read_csv(tmp_path / "out.csv")
    assert (found["low"] < found["predicted"]).all()


def test_a_gap_among_numbered_groups_leaves_the_others_as_they_were_learned(tmp_path):
    frame = shaking().X.to_pandas().assign(site=[k % 9 for k in range(90)], pga=range(90))
    frame.to_csv(tmp_path / "table.csv", index=False)
    data = read_table(tmp_path / "table.csv", target="pga", group="site")
    study(data, ["mean"], out=tmp_path / "run", by=split(data, folds=3))
    frame.assign(site=[None, *frame["site"][1:]]).to_csv(tmp_path / "new.csv", index=False)
    found = new_rows(tmp_path / "run", tmp_path / "new.csv").groups["site"]
    assert found.tolist() == ["", *data.group_labels()["site"][1:]]
