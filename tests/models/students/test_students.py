"""A student predicts as its teacher does: the mean, the noise, and the epistemic uncertainty."""

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.linear_model import LinearRegression, LogisticRegression

from bayesgeo.metrics.classification import summarise_classes
from bayesgeo.models.networks.mlp import MLPClassifier, MLPRegressor
from bayesgeo.models.students.draws import dirichlet_draws, dirichlet_information, normal_scores
from bayesgeo.models.students.rows import transfer_rows
from bayesgeo.models.students.students import StudentClassifier, StudentRegressor, distill
from bayesgeo.models.students.teacher import class_moments, value_moments
from tests.models.small import perceptron
from tests.models.students.known_teachers import KnownClassifier, KnownRegressor, class_rows, value_rows

QUICK = {"hidden": (16,), "transfer": 2, "max_epochs": 20, "random_state": 0}


@pytest.fixture(scope="module")
def of_classes():
    X, y = class_rows()
    teacher = KnownClassifier(random_state=0).fit(X, y)
    return teacher, distill(teacher, X, y, transfer=20, random_state=0)


@pytest.fixture(scope="module")
def of_values():
    X, y = value_rows()
    teacher = KnownRegressor(random_state=0).fit(X, y)
    return teacher, distill(teacher, X, y, transfer=20, random_state=0)


def test_new_rows_get_the_classes_and_probabilities_of_the_teacher(of_classes):
    teacher, student = of_classes
    X, _ = class_rows(2000, seed=1)
    p, q = teacher.mean(X), student.predict_proba(X)
    assert (p.argmax(axis=1) == q.argmax(axis=1)).mean() >= 0.98
    assert (p * np.log(p / q)).sum(axis=1).mean() < 0.002


def test_new_rows_get_the_doubt_of_the_teacher(of_classes):
    teacher, student = of_classes
    X, _ = class_rows(1000, seed=1)
    theirs = summarise_classes(teacher.predict_draws(X))["epistemic"].values
    ours = student.uncertainty(X)["epistemic"].values
    assert stats.spearmanr(theirs, ours)[0] > 0.95
    assert ours.mean() == pytest.approx(theirs.mean(), rel=0.1)


def test_a_student_is_unsure_where_there_were_no_rows(of_classes):
    _, student = of_classes
    X, _ = class_rows(500, seed=1)
    far = X + 3.0 * X / np.linalg.norm(X, axis=1, keepdims=True)
    precision = [np.log(student._precision(student._answers(rows))).mean() for rows in (X, far)]
    assert precision[1] < precision[0] - 1.5  # the teacher's falls by 3


def test_draws_have_the_uncertainty_of_the_closed_form(of_classes):
    _, student = of_classes
    X, _ = class_rows(200, seed=2)
    drawn, closed = summarise_classes(student.predict_draws(X)), student.uncertainty(X)
    for part in ("aleatoric", "epistemic"):
        assert drawn[part].values.mean() == pytest.approx(closed[part].values.mean(), rel=0.03)
    assert stats.spearmanr(drawn["epistemic"], closed["epistemic"])[0] > 0.99
    np.testing.assert_allclose(closed["aleatoric"] + closed["epistemic"], closed["total"], rtol=1e-12)


def test_draws_of_a_row_do_not_depend_on_its_neighbours(of_classes):
    _, student = of_classes
    X, _ = class_rows(50, seed=3)
    together, alone = student.predict_draws(X), student.predict_draws(X[[7]])
    np.testing.assert_allclose(together.isel(obs=[7]).values, alone.values, rtol=1e-9)


def test_new_rows_get_the_mean_and_both_spreads_of_the_teacher(of_values):
    teacher, student = of_values
    X, _ = value_rows(1000, seed=1)
    sd = np.hypot(teacher.aleatoric(X), teacher.epistemic(X))
    assert np.sqrt(np.mean(((student.predict(X) - teacher.mean(X)) / sd) ** 2)) < 0.2
    split = student.uncertainty(X)
    for part in ("aleatoric", "epistemic"):
        theirs = getattr(teacher, part)(X)
        assert stats.spearmanr(theirs, split[part])[0] > 0.95
        assert np.median(np.abs(np.sqrt(split[part].values) / theirs - 1)) < 0.05


def test_draws_of_values_have_the_variances_of_the_closed_form(of_values):
    _, student = of_values
    X, _ = value_rows(50, seed=1)
    predictive, split = student.predictive(X), student.uncertainty(X)
    np.testing.assert_allclose(predictive["expected"].var(("chain", "draw")), split["epistemic"], rtol=1e-9)
    np.testing.assert_allclose((predictive["sigma"] ** 2).mean(("chain", "draw")), split["aleatoric"], rtol=1e-9)


def test_moments_of_a_teacher_are_those_of_its_draws():
    X, y = class_rows(60)
    teacher = KnownClassifier(random_state=0).fit(X, y)
    moments = class_moments(teacher, X, teacher.classes_)
    draws = teacher.predict_draws(X).values
    np.testing.assert_allclose(moments["mean"], draws.mean(axis=(0, 1)), rtol=1e-12)
    m, v = draws.mean(axis=(0, 1)), draws.var(axis=(0, 1)).sum(axis=-1)
    np.testing.assert_allclose(moments["precision"], (m * (1 - m)).sum(axis=1) / v - 1, rtol=1e-9)
    # A variance of 400 draws is known to 7 %.
    assert np.median(np.abs(moments["precision"] / teacher.precision(X) - 1)) < 0.07


def test_an_overconfident_teacher_is_calibrated_on_rows_it_has_not_seen():
    X, y = class_rows(1500)
    student = StudentClassifier(KnownClassifier(sharpness=3.0), **QUICK).fit(X, y)
    # The truth has a sharpness of one; the temperature of 300 rows is known to about 10 %.
    assert student.correction_ == pytest.approx(3.0, rel=0.3)
    seen = student.teacher_.seen_
    assert len(seen) == 1500 - len(student.holdout_rows_) == 1200
    held_out = {tuple(row) for row in X[student.holdout_rows_]}
    assert not held_out & {tuple(row) for row in seen}


def test_the_width_of_a_teacher_of_values_is_calibrated():
    X, y = value_rows(1500)
    student = StudentRegressor(KnownRegressor(factor=0.25), **QUICK).fit(X, y)
    # The standard deviation of 300 normal errors is known to 4 %.
    assert student.correction_ == pytest.approx(4.0, rel=0.13)
    assert StudentRegressor(KnownRegressor(factor=0.25), calibrate=False, **QUICK).fit(X, y).correction_ == 1.0


def test_whole_groups_are_held_out():
    X, y = class_rows(200)
    groups = np.repeat(np.arange(20), 10)
    student = StudentClassifier(KnownClassifier(), **QUICK).fit(X, y, groups)
    rest = np.delete(np.arange(200), student.holdout_rows_)
    assert len(student.holdout_rows_)
    assert not set(groups[student.holdout_rows_]) & set(groups[rest])


def test_a_fitted_teacher_is_left_as_it_is_unless_rows_are_named():
    X, y = class_rows(400)
    teacher = KnownClassifier(sharpness=3.0, random_state=0).fit(X, y)
    assert distill(teacher, X, y, **QUICK).correction_ == 1.0
    student = distill(teacher, X, y, held_out=np.arange(300), **QUICK)
    assert student.correction_ > 1.5
    assert student.teacher_ is teacher


def test_labels_are_not_needed_where_nothing_reads_them():
    X, y = class_rows(200)
    teacher = KnownClassifier(random_state=0).fit(X, y)
    with_labels, without = distill(teacher, X, y, **QUICK), distill(teacher, X, **QUICK)
    assert np.array_equal(with_labels.predict_proba(X), without.predict_proba(X))


def test_labels_count_as_much_as_mix_says():
    X, y = class_rows(300)
    teacher = KnownClassifier(random_state=0).fit(X, y)
    wrong = np.where(np.arange(len(y)) == 0, "sand", "clay")
    settings = QUICK | {"transfer": 0, "max_epochs": 60}
    shares = [distill(teacher, X, wrong, mix=mix, **settings).predict_proba(X)[:, 0].mean() for mix in (0.0, 0.5, 1.0)]
    theirs = teacher.mean(X)[:, 0].mean()
    assert shares == pytest.approx([theirs, (theirs + 1) / 2, 1.0], abs=0.05)


def test_unlabelled_rows_are_asked_about():
    X, y = value_rows(300)
    teacher = KnownRegressor(random_state=0).fit(X, y)
    elsewhere = X + np.array([6.0, 0.0])
    sd = np.hypot(teacher.aleatoric(elsewhere), teacher.epistemic(elsewhere))
    error = [
        np.abs(
            (distill(teacher, X, y, unlabelled=rows, random_state=0).predict(elsewhere) - teacher.mean(elsewhere)) / sd
        )
        for rows in (None, elsewhere)
    ]
    assert error[1].mean() < 0.2 * error[0].mean()


@pytest.mark.parametrize("rows", [class_rows, value_rows])
def test_scikit_learn_teaches_too(rows):
    X, y = rows(400)
    classes = rows is class_rows
    kind, teacher = (StudentClassifier, LogisticRegression()) if classes else (StudentRegressor, LinearRegression())
    student = kind(teacher, random_state=0).fit(X, y)
    new, _ = rows(300, seed=1)
    if classes:
        calibrated = student.teacher_.predict_proba(new) ** (1 / student.correction_)
        calibrated /= calibrated.sum(axis=1, keepdims=True)
        assert np.abs(student.predict_proba(new) - calibrated).mean() < 0.01
    else:
        assert student.predict(new) == pytest.approx(student.teacher_.predict(new), abs=0.3)
        error = (y - student.teacher_.predict(X))[student.holdout_rows_]
        noise = np.sqrt(student.uncertainty(new)["aleatoric"].values)
        assert noise == pytest.approx(np.sqrt(np.mean(error**2)), rel=0.02)
    assert not student.spread_
    assert (student.uncertainty(new)["epistemic"] == 0).all()
    assert student.predict_draws(new).sizes["draw"] == 1


def test_by_default_an_ensemble_teaches():
    X, y = class_rows(60)
    student = StudentClassifier(**QUICK).fit(X, y)
    assert type(student.teacher_).__name__ == "DeepEnsembleClassifier"
    assert student.spread_


def test_the_same_seed_gives_the_same_student():
    X, y = class_rows(120)
    teacher = perceptron(MLPClassifier, (8,), max_epochs=10)
    first, second = (StudentClassifier(teacher, **QUICK).fit(X, y) for _ in range(2))
    for name, values in first.weights_.items():
        assert np.array_equal(values, second.weights_[name])
    other = StudentClassifier(teacher, **QUICK | {"random_state": 1}).fit(X, y)
    assert not np.array_equal(first.weights_["weight_0"], other.weights_["weight_0"])


def test_a_class_that_only_holdout_rows_have_gets_almost_nothing():
    X, y = class_rows(120)
    y[:3] = "peat"
    student = StudentClassifier(LogisticRegression(), **QUICK).fit(X, y, held_out=np.arange(30))
    assert student.classes_.tolist() == ["clay", "peat", "sand", "silt"]
    assert student.predict_proba(X)[:, 1].max() < 0.05


def test_names_of_features_reach_the_teacher():
    import pandas as pd

    X, y = class_rows(80)
    frame = pd.DataFrame(X, columns=["GR", "PE"])
    teacher = LogisticRegression().fit(frame, y)
    student = distill(teacher, frame, y, **QUICK)
    assert student.feature_names_in_.tolist() == ["GR", "PE"]


def test_a_large_error_of_the_mean_pulls_no_harder_than_its_size(of_values):
    import torch

    _, student = of_values
    outputs = torch.tensor([[1e-3, 0.0, 0.0], [1e3, 0.0, 0.0]], requires_grad=True)
    part = {"answers": torch.zeros(2, 3), "weight": torch.ones(2)}
    student._loss(outputs, part).sum().backward()
    # Near zero that of the square, far away that of twice the distance.
    assert outputs.grad[:, 0].tolist() == pytest.approx([2e-3, 2.0], rel=1e-3)


def test_transfer_rows_are_rows_moved_by_lengths_of_every_order():
    rng = np.random.default_rng(0)
    places = np.tile([-0.5, 0.0, 0.5], 100)
    X = np.c_[places, 9.1 * places, rng.integers(5, size=300), rng.choice([0.2, 0.9], size=300)]
    rows = transfer_rows(X, 20_000, rng)
    assert rows.shape == (20_000, 4)
    assert set(rows[:, 2].tolist()) == set(range(5))
    assert set(rows[:, 3].tolist()) == {0.2, 0.9}
    for column in (0, 1):
        moved = np.abs(rows[:, [column]] - X[:3, column]).min(axis=1) / X[:, column].std()
        for low, high in ((0.0, 0.03), (0.03, 0.1), (0.1, 0.3), (0.3, 1.0)):
            assert ((moved >= low) & (moved < high)).mean() > 0.1
        assert 3.0 < moved.max() < 20.0


def test_dirichlet_draws_have_the_wanted_moments_and_lie_on_the_simplex():
    mean = np.array([[0.2, 0.5, 0.3], [0.001, 0.009, 0.99], [1e-9, 0.4, 0.6 - 1e-9]])
    precision = np.array([10.0, 3.0, 0.001])
    draws = dirichlet_draws(mean, precision, 4000, seed=0)
    assert (draws >= 0).all()
    np.testing.assert_allclose(draws.sum(axis=-1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(draws.mean(axis=0), mean, rtol=1e-9)
    variance = mean * (1 - mean) / (1 + precision[:, None])
    # What is rare, of shape a, is seen in about n a draws, whose squares scatter about as much as they are large.
    seen = 4000 * np.minimum(precision[:, None] * np.minimum(mean, 1 - mean), 1.0)
    error = np.abs(draws.var(axis=0) / variance - 1)[seen > 1]
    assert (error < 3 / np.sqrt(seen[seen > 1])).all()


def test_information_of_two_labels_is_the_integral():
    a, b = 2.5, 0.7

    def part(p):
        entropy = -(p * np.log(p) + (1 - p) * np.log1p(-p))
        return stats.beta.pdf(p, a, b) * entropy

    m = a / (a + b)
    expected = integrate.quad(part, 0, 1)[0]
    total = -(m * np.log(m) + (1 - m) * np.log(1 - m))
    found = dirichlet_information(np.array([[m, 1 - m]]), np.array([a + b]))[0]
    assert found == pytest.approx(total - expected, rel=1e-6)


def test_normal_scores_have_mean_zero_and_variance_one():
    assert normal_scores(128).mean() == pytest.approx(0.0, abs=1e-15)
    assert normal_scores(128).var() == pytest.approx(1.0, rel=1e-12)


def test_noise_without_a_variance_is_refused():
    X, y = value_rows(40)
    teacher = KnownRegressor(random_state=0).fit(X, y)
    plain = teacher._predictive
    teacher._predictive = lambda rows: plain(rows) | {"nu": np.full((1, 400), 1.5)}
    with pytest.raises(ValueError, match=r"Its Student-t noise has no finite variance"):
        value_moments(teacher, X)


MISTAKES = {
    "mix": ({"mix": 1.5}, r"Invalid mix 1\.5\. It must be in \[0, 1\]"),
    "transfer": ({"transfer": -1}, r"Invalid transfer -1\."),
    "activation": ({"activation": "sliu"}, r"Did you mean 'silu'"),
    "max_epochs": ({"max_epochs": 0}, r"Invalid max_epochs 0"),
    "no teacher": ({"teacher": "mlp"}, r"Invalid teacher 'str'\. It has no predict_proba"),
    "other task": ({"teacher": MLPRegressor()}, r"Invalid teacher 'MLPRegressor'\. It has no predict_proba"),
}


@pytest.mark.parametrize(("settings", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_setting_that_cannot_be_used_is_refused_before_the_teacher_learns(settings, message, monkeypatch):
    monkeypatch.setattr("bayesgeo.models.students.base.fit_teacher", lambda *_: 1 / 0)
    with pytest.raises(ValueError, match=message):
        StudentClassifier(**settings).fit(*class_rows(30))


def test_a_teacher_of_the_other_task_is_refused_for_values():
    with pytest.raises(ValueError, match=r"Invalid teacher 'MLPClassifier'\. It is for the other task"):
        StudentRegressor(MLPClassifier()).fit(*value_rows(30))


def test_distill_refuses_what_it_cannot_use():
    X, y = class_rows(40)
    teacher = KnownClassifier(random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"Invalid teacher 'KnownClassifier'\. It is not fitted"):
        distill(KnownClassifier(), X, y)
    with pytest.raises(ValueError, match=r"held_out and mix need labels"):
        distill(teacher, X, held_out=[0, 1])
    with pytest.raises(ValueError, match=r"Invalid held_out .* positions below 40"):
        distill(teacher, X, y, held_out=[0, 40])
    with pytest.raises(ValueError, match=r"y 'peat'\. The teacher was trained only on the classes clay, sand, silt"):
        distill(teacher, X, np.where(y == "sand", "peat", y))
    values, targets = value_rows(40)
    with pytest.raises(ValueError, match=r"Invalid teacher 'LinearRegression'\. It has no noise, and there are no"):
        distill(LinearRegression().fit(values, targets), values, targets)
