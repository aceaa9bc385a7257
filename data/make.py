"""Draw data/seismic_events.csv anew: python data/make.py."""

from pathlib import Path

from bayesgeo.datasets.library.seismic_events import table

if __name__ == "__main__":
    Path(__file__).with_name("seismic_events.csv").write_text(table(), encoding="utf-8", newline="\n")
