"""Finding thresholds, smoothing and durations on labelled clips.

table = read_clips(Path("clips.csv"))
material = record(table, classifier)
report = tune(material, classifier.model, clips_sha256=table.sha256, options=TuneOptions())
"""

from edgeclf.tuning.choice import Choice, Goal
from edgeclf.tuning.clips import Clip, ClipTable, LabelledEvent, read_clips
from edgeclf.tuning.crossings import Occurrences, predict
from edgeclf.tuning.figures import Figures, LabelFigures, Place
from edgeclf.tuning.grid import SMOOTHINGS
from edgeclf.tuning.material import Material, record
from edgeclf.tuning.recorded import TIMES_FILE, RecordedClip, open_clip
from edgeclf.tuning.report import TuneReport
from edgeclf.tuning.tune import TuneOptions, tune

__all__ = [
    "SMOOTHINGS",
    "TIMES_FILE",
    "Choice",
    "Clip",
    "ClipTable",
    "Figures",
    "Goal",
    "LabelFigures",
    "LabelledEvent",
    "Material",
    "Occurrences",
    "Place",
    "RecordedClip",
    "TuneOptions",
    "TuneReport",
    "open_clip",
    "predict",
    "read_clips",
    "record",
    "tune",
]
