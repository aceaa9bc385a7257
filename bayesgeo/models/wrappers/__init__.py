"""Models around another model: calibrated, conformal."""
