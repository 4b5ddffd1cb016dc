"""Who made a result, and what it is called: the same film and model give the same identifiers."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

from pydicom import Dataset
from pydicom.uid import UID

from pneumonia import __version__
from pneumonia.card import Card
from pneumonia.dicom.source import MANUFACTURER, Source
from pneumonia.export.records import SOFTWARE

NOTICE = "NOT FOR DIAGNOSIS"
SERIES = {"activation": 9001, "capture": 9002, "report": 9003}  # kind of result → series number
_DATES = ("ContentDate", "InstanceCreationDate", "DateOfSecondaryCapture")
_TIMES = ("ContentTime", "InstanceCreationTime", "TimeOfSecondaryCapture")


def derived_uid(*parts: str) -> UID:
    """A UID that follows from its parts (PS3.5 B.2: 2.25 and a UUID, here a name-based one)."""
    return UID(f"2.25.{uuid5(NAMESPACE_OID, ' '.join((MANUFACTURER, *parts))).int}")


def device_uid(card: Card) -> UID:
    """Of this version of the software with this model: other weights are another device."""
    return derived_uid("device", __version__, json.dumps(asdict(card), sort_keys=True))


@dataclass(frozen=True)
class Identity:
    """What one result says of itself.

    Attributes:
        kind: a key of ``SERIES``.
        source: the film.
        card: the model's.
        when: its date, in local time as everything in the study is; not part of its identity.
    """

    kind: str
    source: Source
    card: Card
    when: datetime

    def uid(self, what: str) -> UID:
        """A UID that changes with film, model, version and kind."""
        return derived_uid(what, self.kind, device_uid(self.card), self.source.fingerprint)

    @property
    def arguments(self) -> dict:
        """What highdicom's classes take alike."""
        return {
            "series_instance_uid": self.uid("series"),
            "series_number": SERIES[self.kind],
            "sop_instance_uid": self.uid("instance"),
            "instance_number": 1,
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": self.card.title,
            "software_versions": [SOFTWARE, f"model {self.card.version}"],
            "device_serial_number": self.card.weights.sha256,  # 64 characters, the most there may
            "series_description": f"{self.card.title} {self.kind} - {NOTICE}",
            "specific_character_set": "ISO_IR 192",
        }

    def complete(self, result: Dataset) -> Dataset:
        """The result with patient and study of its film, its device, its date."""
        for element in self.source.subject:
            result[element.tag] = element
        if result.Modality != "SR":  # of an image: which part, or else an empty side (type 2C)
            part = self.source.image.get("BodyPartExamined")
            setattr(result, *(("BodyPartExamined", part) if part else ("Laterality", "")))
        result.DeviceUID = device_uid(self.card)
        for keywords, form in ((_DATES, "%Y%m%d"), (_TIMES, "%H%M%S")):
            for keyword in keywords:
                if keyword in result:
                    setattr(result, keyword, self.when.strftime(form))
        for item in result.ContributingEquipmentSequence:
            item.ContributionDateTime = self.when.strftime("%Y%m%d%H%M%S")
        return result
