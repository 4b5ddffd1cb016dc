"""What a model used, as numbers: a Parametric Map on the film's own grid."""

from datetime import datetime
from typing import Any

import numpy as np
from highdicom import VOILUTTransformation
from highdicom.pm import ImageFlavorValues, ParametricMap, RealWorldValueMapping
from highdicom.sr import CodedConcept
from PIL import Image
from pydicom import Dataset
from pydicom.sr.codedict import codes

from pneumonia.dicom.dataset import NUMBERS, finish
from pneumonia.dicom.identity import device_of, result_uids, uid_of
from pneumonia.dicom.origin import Origin
from pneumonia.overlay import FULL_STRENGTH
from pneumonia.predictor import Prediction


class _Map(ParametricMap):
    """A map of an image that has no place in space, of which highdicom 0.28 forgets to say that its
    one frame is the first."""

    def _get_pffg_item(self, dimension_index_values: list[int], **more: Any) -> Dataset:
        item = super()._get_pffg_item(dimension_index_values or [1], **more)
        item.FrameContentSequence[0].FrameLabel = "1"
        return item


_FARTHEST = float(np.finfo(np.float32).max)


def activation_map(
    prediction: Prediction, origin: Origin, when: datetime, number: int = 0
) -> ParametricMap:
    """The signed attribution of one model, float32, a value for each pixel of the film.

    Its unit is that of ``Prediction.attribution``, calibrated log-odds of pneumonia: above 0 what
    speaks for it, below 0 what speaks against it, 0 outside the lungs.

    Args:
        prediction: with its attribution.
        origin: the film's file.
        when: the date of the result.
        number: of the model among those that looked at the film, for the order of the series.

    Raises:
        ValueError: the prediction was made without a heatmap.
    """
    if prediction.attribution is None:
        raise ValueError("This prediction has no heatmap: predict with heatmap=True.")
    film, device = origin.stand_in, device_of([prediction.card])
    values = Image.fromarray(prediction.attribution.astype(np.float32))
    values = values.resize((film.Columns, film.Rows), Image.Resampling.BILINEAR)
    mapping = RealWorldValueMapping(
        lut_label="log-odds",
        lut_explanation="Calibrated log-odds of pneumonia, signed",
        unit=codes.UCUM.NoUnits,
        value_range=(-_FARTHEST, _FARTHEST),
        quantity_definition=codes.DCM.GradientWeightedClassActivation,  # 130403
    )
    series, instance = result_uids("attribution", origin, [prediction])
    result = _Map(
        source_images=[film],
        pixel_array=np.asarray(values),
        series_instance_uid=series,
        series_number=NUMBERS["attribution"] + number,
        sop_instance_uid=instance,
        instance_number=1,
        manufacturer=device.manufacturer,
        manufacturer_model_name=device.model,
        software_versions=device.versions,
        device_serial_number=device.serial,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        image_flavor=ImageFlavorValues.STATIC,
        voi_lut_transformations=[VOILUTTransformation(0.0, 2 * FULL_STRENGTH)],
        content_label="ATTRIBUTION",
        content_description=f"What {prediction.card.title} used; not for diagnosis"[:64],
        series_description=f"Attribution, {prediction.card.title}: not for diagnosis"[:64],
    )
    _place(result, origin)
    finish(result, origin, device, when)
    return result


def _place(result: ParametricMap, origin: Origin) -> None:
    """Where the map belongs: to the film, pixel by pixel, which says no place in space."""
    film = origin.stand_in
    result.FrameOfReferenceUID = uid_of("frame of reference", origin.study, origin.uid)
    result.PositionReferenceIndicator = None
    organization = uid_of("dimensions", result.SOPInstanceUID)
    for item in (*result.DimensionOrganizationSequence, *result.DimensionIndexSequence):
        item.DimensionOrganizationUID = organization
    measures, anatomy = Dataset(), Dataset()
    if "PixelSpacing" in film:
        measures.PixelSpacing = film.PixelSpacing
    anatomy.FrameLaterality = "B"
    anatomy.AnatomicRegionSequence = [CodedConcept.from_code(codes.SCT.Chest)]
    groups = result.SharedFunctionalGroupsSequence[0]
    groups.PixelMeasuresSequence = [measures]
    groups.FrameAnatomySequence = [anatomy]
