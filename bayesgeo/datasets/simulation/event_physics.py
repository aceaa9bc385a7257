"""Densities of the measurements of earthquakes and quarry blasts: draws, and exact probabilities."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from bayesgeo._check import invalid, positive

LABELS = ("earthquake", "blast")
PRIOR = 0.20
MAGNITUDES = (0.5, 4.5)
GR_DECAY = np.log(10.0)
BLAST_MAGNITUDE = stats.truncnorm((0.5 - 1.5) / 0.45, (3.0 - 1.5) / 0.45, loc=1.5, scale=0.45)
SHOT_HOUR, SHOT_KAPPA, ANY_HOUR = 13.5, 5.0, 0.10
WEEKEND = (2 / 7, 0.07)
PS_MEAN, PS_EVENT_SD, PS_RECORD_SD = (-0.30, 0.10), (0.15, 0.22), 0.40
CORNER_RATIO, CORNER_RATIO_SD = (np.log(1.25), np.log(1.88)), (0.25, 0.32)
STRESS_DROP, STRESS_DROP_SD = 3e6, 0.45
CORNER_FACTOR = (0.0, np.log10(0.75))
ML_MC, ML_MC_SD = (0.0, -0.30), 0.30
UNITS = {
    "event_id": "name",
    "site": "name",
    "easting": "km",
    "northing": "km",
    "magnitude": "ML",
    "local_hour": "h",
    "weekend": "0/1",
    "n_stations": "count",
    "log10_ps": "log10",
    "ln_fc_ratio": "ln",
    "log10_fcs": "log10 Hz",
    "ml_minus_mc": "magnitude",
    "depth": "km",
    "event": "name",
    "p_blast": "probability",
}
TENTHS, HUNDREDTHS = ("easting", "northing", "depth"), ("magnitude", "local_hour", "ml_minus_mc")
DECIMALS = dict.fromkeys(TENTHS, 1) | dict.fromkeys(HUNDREDTHS, 2)
DECIMALS |= dict.fromkeys(("log10_ps", "ln_fc_ratio", "log10_fcs"), 3)


def draw_table(n: int, *, seed: int, n_sites: int = 60, site_sd: float = 0.10, prior: float = PRIOR) -> pd.DataFrame:
    """Draw events of both kinds with the measurements of a network and their exact probability.

    A site is a district where both faults and quarries are at work: it shifts log10 P/S of all its
    events alike and is drawn apart from the kind of event. So it carries no information on the kind
    beyond the features, and the exact probability of an event at a new site only adds the variance of
    that shift. Sites of one kind would let a model learn the kind from its neighbours.

    Parameters
    ----------
    n : int
        Number of events.
    seed : int
        Same seed, same table.
    n_sites : int
        Number of districts.
    site_sd : float
        Standard deviation of the district's shift of log10 P/S.
    prior : float
        Share of blasts.

    Returns
    -------
    pandas.DataFrame
        ``(n,)`` rows; the columns of :data:`UNITS`, rounded as a bulletin would round them.

    Raises
    ------
    InvalidInput
        If a size is not a whole number above zero or the prior is not inside (0, 1).

    Notes
    -----
    ============================  =========================  ================================
    feature                       earthquake                 blast
    ============================  =========================  ================================
    magnitude                     Gutenberg-Richter b = 1    N(1.5, .45) on [.5, 3]
    local hour                    uniform                    von Mises(13.5 h, 5), 10 % uniform
    weekend                       2/7                        .07
    log10 P/S, 10-18 Hz           N(-.30, .15)               N(.10, .22)
    ln fcP/fcS                    N(ln 1.25, .25)            N(ln 1.88, .32)
    log10 fcS given magnitude     Brune, 3 MPa, sd .45/3     the same times .75
    ML - Mc                       N(0, .3)                   N(-.3, .3)
    depth (km)                    Gamma(1.6, 6)              fixed at 0 by the analyst
    ============================  =========================  ================================

    fcS goes with the cube root of the stress drop, whose log10 has sd .45, hence .45/3. A record of P/S
    has sd .40; ``3 + Poisson(3 + 6 (M - .5))`` stations are averaged. Shares, hours, magnitudes and depths
    follow the Pacific Northwest catalogue 2018-2022 [1]_; P/S Kim et al. [2]_ and Wang et al. [3]_; corner
    frequencies Ataeva et al. [4]_ and the circular source of Brune [5]_ with Madariaga's constant for
    S [6]_; stress drops Allmann and Shearer [7]_; ML - Mc Koper et al. [8]_, whose shift is smaller
    here. The district's .10 is an assumption.

    References
    ----------
    .. [1] Ni et al. 2023, Seismica 2(1), doi:10.26443/seismica.v2i1.368.
    .. [2] Kim, Simpson and Richards 1993, Geophys. Res. Lett. 20, 1507.
    .. [3] Wang, Schmandt and Kiser 2020, J. Geophys. Res., doi:10.1029/2020JB020338.
    .. [4] Ataeva, Gitterman and Shapira 2017, J. Seismol.
    .. [5] Brune 1970, J. Geophys. Res. 75, 4997.
    .. [6] Madariaga 1976, Bull. Seismol. Soc. Am. 66, 639.
    .. [7] Allmann and Shearer 2009, J. Geophys. Res. 114, B01310.
    .. [8] Koper et al. 2021, Bull. Seismol. Soc. Am.

    Examples
    --------
    >>> events = draw_table(1000, seed=1)
    >>> float(events["p_blast"].mean().round(2)), float((events["event"] == "blast").mean().round(2))
    (0.19, 0.19)
    """
    positive("n", n, integer=True)
    positive("n_sites", n_sites, integer=True)
    if not 0 < prior < 1:
        raise invalid("prior", prior, "The share of blasts must lie inside (0, 1).")
    rng = np.random.default_rng(seed)
    blast = (rng.random(n) < prior).astype(int)
    table = _places(rng, n, n_sites) | _source(rng, blast)
    shift = rng.normal(0.0, site_sd, n_sites)[table.pop("district")]
    table |= _spectra(rng, blast, table, shift) | {"depth": _depth(rng, blast)}
    frame = pd.DataFrame(table | {"event": np.take(LABELS, blast)}).round(DECIMALS)
    frame["local_hour"] %= 24.0
    frame.insert(0, "event_id", [f"ev{i:06d}" for i in range(1, n + 1)])
    exact = exact_probability(frame, prior=prior, site_sd=site_sd)
    return frame.assign(p_blast=[float(f"{p:.9g}") for p in exact])


def exact_probability(
    events: pd.DataFrame | Mapping[str, Any], *, prior: float = PRIOR, site_sd: float = 0.10
) -> np.ndarray:
    """Return p(blast | features) of events at a new site, in closed form.

    ``log p / (1 - p) = log prior / (1 - prior) + sum of log f(feature | blast) / f(feature | earthquake)``:
    given the magnitude the features are independent, and the number of stations has the same law for
    both kinds, so it only sets the precision of log10 P/S.

    Parameters
    ----------
    events : pandas.DataFrame or mapping
        ``magnitude``, ``local_hour``, ``weekend``, ``n_stations``, ``log10_ps``, ``ln_fc_ratio``,
        ``log10_fcs``, ``ml_minus_mc``, each ``(n,)``.
    prior : float
        Share of blasts.
    site_sd : float
        Standard deviation of log10 P/S between sites.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` probabilities; exactly 0 above magnitude 3, where the description has no blasts.

    Raises
    ------
    InvalidInput
        If a magnitude is outside [.5, 4.5], where neither kind has a density.

    Examples
    --------
    >>> noon_shot = {"magnitude": 1.4, "local_hour": 12.8, "weekend": 0, "n_stations": 11,
    ...              "log10_ps": -.05, "ln_fc_ratio": .45, "log10_fcs": 1.4, "ml_minus_mc": -.2}
    >>> float(exact_probability(noon_shot).round(3))
    0.896
    """
    magnitude = np.asarray(events["magnitude"], float)
    if np.any((magnitude < MAGNITUDES[0]) | (magnitude > MAGNITUDES[1])):
        raise invalid("magnitude", magnitude.max(), "The description covers 0.5 to 4.5.")
    quake, blast = (_log_density(events, kind, site_sd) for kind in (0, 1))
    return special.expit(special.logit(prior) + blast - quake)


def brune_log10_corner(magnitude: np.ndarray) -> np.ndarray:
    """Return log10 of the S corner frequency (Hz) of a circular crack with a 3 MPa stress drop.

    ``fc = .26 beta / r``, ``r = (7 M0 / 16 dsigma)^(1/3)``, ``log10 M0 = 1.5 M + 9.05`` (N m), with
    beta = 3300 m/s (Brune 1970; Madariaga 1976).

    Parameters
    ----------
    magnitude : numpy.ndarray
        Moment magnitudes.

    Returns
    -------
    numpy.ndarray
        log10 Hz.

    Examples
    --------
    >>> float(10 ** brune_log10_corner(2.0).round(3))
    15.7...
    """
    moment = 10.0 ** (1.5 * np.asarray(magnitude, float) + 9.05)
    radius = np.cbrt(7.0 * moment / (16.0 * STRESS_DROP))
    return np.log10(0.26 * 3300.0 / radius)


def _places(rng: np.random.Generator, n: int, n_sites: int) -> dict[str, np.ndarray]:
    centre = rng.uniform(0.0, 200.0, (2, n_sites))
    district = rng.integers(n_sites, size=n)
    easting, northing = centre[:, district] + rng.normal(0.0, 3.0, (2, n))
    names = np.array([f"district {i:02d}" for i in range(1, n_sites + 1)])
    return {"district": district, "site": names[district], "easting": easting, "northing": northing}


def _source(rng: np.random.Generator, blast: np.ndarray) -> dict[str, np.ndarray]:
    n = blast.size
    low, high = MAGNITUDES
    u = rng.random(n)
    quake = low - np.log1p(-u * -np.expm1(-GR_DECAY * (high - low))) / GR_DECAY
    magnitude = np.where(blast, BLAST_MAGNITUDE.ppf(u), quake)
    shot = SHOT_HOUR + rng.vonmises(0.0, SHOT_KAPPA, n) * 12.0 / np.pi
    worked = (blast == 1) & (rng.random(n) >= ANY_HOUR)
    hour = np.where(worked, shot, 24.0 * rng.random(n)) % 24.0
    weekend = (rng.random(n) < np.take(WEEKEND, blast)).astype(int)
    return {"magnitude": magnitude, "local_hour": hour, "weekend": weekend}


def _spectra(
    rng: np.random.Generator, blast: np.ndarray, table: Mapping[str, np.ndarray], shift: np.ndarray
) -> dict[str, np.ndarray]:
    magnitude = table["magnitude"]
    stations = 3 + rng.poisson(3.0 + 6.0 * (magnitude - MAGNITUDES[0]))
    noise = rng.standard_normal((4, blast.size))
    ps_sd = np.hypot(np.take(PS_EVENT_SD, blast), PS_RECORD_SD / np.sqrt(stations))
    corner = brune_log10_corner(magnitude) + np.take(CORNER_FACTOR, blast)
    return {
        "n_stations": stations,
        "log10_ps": np.take(PS_MEAN, blast) + shift + ps_sd * noise[0],
        "ln_fc_ratio": np.take(CORNER_RATIO, blast) + np.take(CORNER_RATIO_SD, blast) * noise[1],
        "log10_fcs": corner + STRESS_DROP_SD / 3.0 * noise[2],
        "ml_minus_mc": np.take(ML_MC, blast) + ML_MC_SD * noise[3],
    }


def _depth(rng: np.random.Generator, blast: np.ndarray) -> np.ndarray:
    return np.where(blast, 0.0, rng.gamma(1.6, 6.0, blast.size))


def _log_density(events: Any, kind: int, site_sd: float) -> np.ndarray:
    value = {name: np.asarray(events[name], float) for name in DECIMALS if name in events}
    weekend, stations = np.asarray(events["weekend"], float), np.asarray(events["n_stations"], float)
    ps_sd = np.sqrt(PS_EVENT_SD[kind] ** 2 + PS_RECORD_SD**2 / stations + site_sd**2)
    corner = brune_log10_corner(value["magnitude"]) + CORNER_FACTOR[kind]
    normal = stats.norm.logpdf
    return (
        _log_magnitude(value["magnitude"], kind)
        + _log_hour(value["local_hour"], kind)
        + np.log(np.where(weekend == 1, WEEKEND[kind], 1.0 - WEEKEND[kind]))
        + normal(value["log10_ps"], PS_MEAN[kind], ps_sd)
        + normal(value["ln_fc_ratio"], CORNER_RATIO[kind], CORNER_RATIO_SD[kind])
        + normal(value["log10_fcs"], corner, STRESS_DROP_SD / 3.0)
        + normal(value["ml_minus_mc"], ML_MC[kind], ML_MC_SD)
    )


def _log_magnitude(magnitude: np.ndarray, kind: int) -> np.ndarray:
    if kind:
        return BLAST_MAGNITUDE.logpdf(magnitude)
    low, high = MAGNITUDES
    scale = np.log(GR_DECAY) - np.log(-np.expm1(-GR_DECAY * (high - low)))
    return scale - GR_DECAY * (magnitude - low)


def _log_hour(hour: np.ndarray, kind: int) -> np.ndarray:
    if not kind:
        return np.full_like(hour, -np.log(24.0))
    angle = (hour - SHOT_HOUR) * np.pi / 12.0
    worked = stats.vonmises.pdf(angle, SHOT_KAPPA) * np.pi / 12.0
    return np.log((1.0 - ANY_HOUR) * worked + ANY_HOUR / 24.0)


__all__ = ["brune_log10_corner", "draw_table", "exact_probability"]
