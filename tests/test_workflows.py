"""Every workflow runs from top to bottom, on small settings."""

import subprocess
import sys

import pytest

SMALL = {
    "01_seismic_events": [],
    "02_quarry_blasts_istanbul": [],
    "03_facies_blind_well": ["12"],
    "04_bayesian_network": [],
    "05_teacher_and_student": [],
    "06_ground_motion": ["24"],
    "07_cadmium_map": [],
    "08_baja_bathymetry": ["600"],
    "09_surface_temperature": ["12"],
    "10_shaking_map": ["24"],
    "pca_of_well_logs": [],
    "probability_of_an_earthquake": [],
    "sampling_a_posterior": [],
}
EMBEDDED = {"01_seismic_events", "04_bayesian_network", "05_teacher_and_student", "sampling_a_posterior"}
MAPS = {"07_cadmium_map", "08_baja_bathymetry", "09_surface_temperature", "10_shaking_map"}
OF_NETWORKS = {"04_bayesian_network", "05_teacher_and_student"}
LONG = {"01_seismic_events", "03_facies_blind_well", "06_ground_motion", *MAPS, *OF_NETWORKS}  # over half a minute
STORIES = {"01_seismic_events", "02_quarry_blasts_istanbul", "03_facies_blind_well"}


def test_every_workflow_is_listed(repository):
    assert {path.stem for path in (repository / "workflows").glob("*.py")} == set(SMALL)


@pytest.mark.parametrize("name", sorted(STORIES))
def test_the_stories_are_under_sixty_lines(name, repository):
    assert len((repository / "workflows" / f"{name}.py").read_text().splitlines()) < 60


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name in LONG else ()) for name in sorted(SMALL)]
)
def test_workflow_runs(name, repository, tmp_path, request):
    if name not in EMBEDDED:
        request.getfixturevalue("real_data")
    script = repository / "workflows" / f"{name}.py"
    done = subprocess.run(
        [sys.executable, script, tmp_path / "out", *SMALL[name]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = {path.suffix for path in (tmp_path / "out").iterdir()}
    assert {".html", ".json", ".csv"} <= made if name in STORIES else ".png" in made


@pytest.mark.parametrize("name", sorted({"06_ground_motion", *MAPS}))
def test_ground_motions_and_maps_are_under_eighty_lines(name, repository):
    assert len((repository / "workflows" / f"{name}.py").read_text().splitlines()) < 80
