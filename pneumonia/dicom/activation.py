"""The signed heatmap as a DICOM Parametric Map (PS3.3 A.75): float log-odds on the film's grid."""

import copy

import highdicom as hd
import numpy as np
from highdicom.pm import ParametricMap, RealWorldValueMapping
from PIL import Image
from pydicom import Dataset
from pydicom.sr.codedict import codes

from pneumonia.dicom.identity import Identity
from pneumonia.overlay import FULL_STRENGTH
from pneumonia.prediction import Prediction


def activation(prediction: Prediction, identity: Identity) -> Dataset:
    """A model's attribution, enlarged to the film's rows and columns.

    Raises:
        ValueError: the prediction was made without a heatmap.
    """
    if prediction.attribution is None:
        raise ValueError("This prediction has no heatmap: predict with heatmap=True.")
    image = identity.source.image
    cells = Image.fromarray(prediction.attribution.astype(np.float32))
    values = np.asarray(cells.resize((image.Columns, image.Rows), Image.Resampling.BILINEAR))
    most = max(FULL_STRENGTH, float(np.abs(values).max()))
    mapping = RealWorldValueMapping(
        lut_label="log-odds",
        lut_explanation="Calibrated log-odds: above 0 for PNEUMONIA",
        unit=codes.UCUM.NoUnits,
        value_range=(-most, most),
        quantity_definition=codes.DCM.ClassActivation,
    )
    result = ParametricMap(
        [_placed(image, identity)],
        values,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[
            hd.VOILUTTransformation(window_center=0.0, window_width=2 * FULL_STRENGTH)
        ],
        # behind average pooling and a linear layer the same map up to a constant (see ``explain``)
        derivation=codes.DCM.GradientWeightedClassActivation,
        content_label="ACTIVATION",
        content_description="What the model used, not where a disease is",
        **identity.arguments,
    )
    dimensions = identity.uid("dimensions")
    for items in (result.DimensionOrganizationSequence, result.DimensionIndexSequence):
        for item in items:
            item.DimensionOrganizationUID = dimensions
    return identity.complete(result)


def _placed(image: Dataset, identity: Identity) -> Dataset:
    """The film in a frame of reference, without which a map is no valid one.

    A radiograph has none: this one is the map's own, a frontal plane that begins at the origin.
    What lies on what is said by the reference to the film and the same rows and columns.
    """
    image = copy.copy(image)
    mirrored = str((image.get("PatientOrientation") or ["L"])[0]).startswith("R")
    image.FrameOfReferenceUID = identity.uid("frame of reference")
    image.PositionReferenceIndicator = ""
    image.ImagePositionPatient = [0, 0, 0]
    image.ImageOrientationPatient = [-1 if mirrored else 1, 0, 0, 0, 0, -1]
    image.PixelSpacing = image.get("PixelSpacing") or image.get("ImagerPixelSpacing") or [1, 1]
    image.SliceThickness = 1
    return image
