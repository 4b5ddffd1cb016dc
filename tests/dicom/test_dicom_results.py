"""A film's results as DICOM, read back by those who did not write them."""

import io
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pydicom.data
import pytest
from factories import card_of, chest_dicom, dicom, open_gate, prediction, saved, seeded_network
from PIL import Image
from pydicom import config
from pydicom.dataelem import DataElement
from pydicom.tag import Tag
from typer.testing import CliRunner

from pneumonia.checkpoint import save_checkpoint
from pneumonia.cli import app
from pneumonia.dicom import capture, identity, report
from pneumonia.dicom.results import Responder, respond
from pneumonia.dicom.source import DicomError, read_source
from pneumonia.predictor import Predictor
from pneumonia.reading.cage import Cage
from pneumonia.reading.radiograph import MAX_BYTES
from pneumonia.reading.refusals import RadiographError

OLD = {"PatientAge": "081Y"}


def objects(answer) -> dict[str, pydicom.Dataset]:
    """The results by kind, as pydicom reads their files."""
    (model,) = answer.record["models"].values()
    return {
        kind: pydicom.dcmread(io.BytesIO(answer.files[about["file"]]))
        for kind, about in model["objects"].items()
    }


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words], prog_name="pneumonia")


def test_the_activation_is_the_signed_attribution_on_the_films_own_grid(film):
    source = read_source(film(), Cage(1))
    cells = np.float32([[-20, 3], [0, -0.5]])
    known = replace(prediction(radiograph=source.film), attribution=cells)
    stored = objects(respond(source, [known]))["activation"]
    read = hd.pm.ParametricMap.from_dataset(stored)
    (values,) = read.get_frames(apply_real_world_transform=True)
    assert values.shape == (200, 240)
    corners = values[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(corners, cells.ravel(), atol=1e-6)
    assert values[100, 0] == pytest.approx(-10, abs=0.2)  # bilinear between the middles
    groups = stored.SharedFunctionalGroupsSequence[0]
    frame = stored.PerFrameFunctionalGroupsSequence[0]
    mapping = (frame if "RealWorldValueMappingSequence" in frame else groups)[0x0040, 0x9096][0]
    code = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0]
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("130402", "DCM")
    derived = frame.DerivationImageSequence[0]
    assert derived.DerivationCodeSequence[0].CodeValue == "130403"
    source = derived.SourceImageSequence[0]
    assert source.ReferencedSOPInstanceUID == "1.2.3.6"
    assert source.SpatialLocationsPreserved == "YES"


def test_a_film_seen_from_behind_has_a_map_that_says_so(answer):
    for side, x in (("L", 1), ("R", -1)):
        groups = objects(answer(PatientOrientation=[side, "F"]))["activation"]
        plane = groups.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
        assert list(plane.ImageOrientationPatient) == [x, 0, 0, 0, 0, -1]


def test_the_capture_has_the_warning_burned_in_and_says_so(answer):
    known, old = (objects(answer(**e))["capture"] for e in ({}, OLD))
    for picture, colour in ((known, capture.BAND), (old, capture.ALARM)):
        assert picture.BurnedInAnnotation == "YES"
        assert picture.SourceImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.6"
        pixels = hd.Image.from_dataset(picture).get_frames()[0]
        assert pixels.shape[1] == capture.WIDTH
        for row in (0, -1):  # a band above and one below
            assert (pixels[row] == colour).all()
        below = pixels[-60:]
        assert (below == capture.INK).all(-1).sum() > 1000  # words
    grey = hd.Image.from_dataset(old).get_frames()[0][200:-200]
    assert (np.ptp(grey, axis=-1) == 0).all()  # no heat where there is no verdict
    assert old.Rows > 0 and known.PixelData != old.PixelData


def test_the_report_says_verdict_probability_and_which_weights(answer, model):
    reply = answer()
    read = hd.sr.ComprehensiveSR.from_dataset(objects(reply)["report"])
    (group,) = read.content.get_image_measurement_groups()
    said = reply.record["models"]["cnn"]
    (chance,) = group.get_measurements()
    assert chance.name.value == "probability"
    assert float(chance.value) == round(said["probability"], 4)
    evaluations = {e.name.value: e.value.value for e in group.get_qualitative_evaluations()}
    assert evaluations == {"scope": "in-scope", "verdict": said["verdict"]}
    texts = read.to_json()
    weights = Predictor.load(model, "cpu").card.weights.sha256
    for part in ("cnn (Small CNN)", "model 7.8.9", f"SHA-256: {weights}", "NOT FOR DIAGNOSIS"):
        assert part in texts
    assert group.source_images[0].referenced_sop_instance_uid == "1.2.3.6"
    evidence = read.CurrentRequestedProcedureEvidenceSequence[0]
    assert evidence.ReferencedSeriesSequence[0].SeriesInstanceUID == "1.2.3.5"
    assert (read.PreliminaryFlag, read.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")


def test_out_of_scope_there_is_the_reason_and_no_verdict(answer):
    reply = answer(**OLD)
    found = objects(reply)
    assert set(found) == {"capture", "report"}
    said = reply.record["models"]["cnn"]
    assert (said["gate"], said["verdict"], said["probability"]) == ("age", None, None)
    read = hd.sr.ComprehensiveSR.from_dataset(found["report"])
    (group,) = read.content.get_image_measurement_groups()
    (scope,) = group.get_qualitative_evaluations()
    assert (scope.name.value, scope.value.value) == ("scope", "out-of-scope")
    assert not group.get_measurements()
    text = read.to_json()
    assert "81 years old" in text
    assert not any(code.meaning in text for code in report.VERDICTS.values())


def test_all_lie_in_the_films_study_each_in_a_series_of_its_own(answer):
    name = "Müller^Jürgen"
    found = objects(answer(SpecificCharacterSet="ISO_IR 100", PatientName=name))
    series = {result.SeriesInstanceUID for result in found.values()}
    assert len(found) == len(series) == 3 and "1.2.3.5" not in series
    for result in found.values():
        assert (result.StudyInstanceUID, result.StudyDate) == ("1.2.3.4", "20210304")
        assert (result.PatientName, result.PatientID) == (name, "SECRET-42")
        assert (result.PatientSex, result.PatientAge) == ("F", "003Y")
        assert result.file_meta.MediaStorageSOPInstanceUID == result.SOPInstanceUID


def test_the_same_film_model_and_date_give_the_same_bytes(answer):
    assert answer().files == answer().files


def identifiers(answer) -> set[str]:
    found = objects(answer)
    return {
        uid
        for one in found.values()
        for uid in (one.SOPInstanceUID, one.SeriesInstanceUID, one.DeviceUID)
    }


def test_identifiers_change_with_film_weights_and_version(answer, film, tmp_path, monkeypatch):
    first = identifiers(answer())
    assert len(first) == 7  # a device for all three
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in first)
    devices = {one.DeviceUID for one in objects(answer()).values()}
    for change in ({"SOPInstanceUID": "1.2.3.7"}, {"WindowCenter": "2000"}, {"PatientAge": "004Y"}):
        assert identifiers(answer(**change)) & first == devices
    card = card_of("cnn")
    save_checkpoint(tmp_path / "cnn", seeded_network("cnn", 1), card, open_gate("cnn"))
    other = Responder(str(tmp_path / "cnn"), "cpu")
    assert not identifiers(other.answer(film())) & first
    other.close()
    monkeypatch.setattr(identity, "__version__", "99.0.0")
    assert not identifiers(answer()) & first


def test_a_header_with_odd_values_is_carried_on_and_never_quoted(film, responder, capsys, recwarn):
    odd = chest_dicom(PatientName="SECRETNAME")
    values = {0x00100040: ("CS", "UNKNOWN"), 0x00100030: ("DA", "SECRET-DAY")}
    for tag, (kind, value) in values.items():
        odd[tag] = DataElement(Tag(tag), kind, value, validation_mode=config.IGNORE)
    path = film()
    path.write_bytes(saved(odd))
    reply = responder.answer(path)
    assert {str(one.PatientName) for one in objects(reply).values()} == {"SECRETNAME"}
    assert "SECRET" not in "".join([*capsys.readouterr(), *map(str, recwarn)])


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_jpeg_app14_dcmd.dcm",  # names no modality
        "SC_rgb_rle_16bit.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
    ],
)
def test_films_of_other_makers_are_answered(responder, name):
    path = Path(pydicom.data.__file__).parent / "test_files" / name
    source = pydicom.dcmread(path)
    for result in objects(responder.answer(path)).values():
        assert result.StudyInstanceUID == source.StudyInstanceUID
        assert result.PatientID == source.PatientID


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"StudyInstanceUID": ""}, "StudyInstanceUID is missing"),
        ({"NumberOfFrames": 2}, "several frames"),
        ({"Manufacturer": "pneumonia"}, "a result of this software"),
        ({"Modality": "CT"}, "not a radiograph"),
    ],
)
def test_films_without_results_are_one_sentence(film, model, tmp_path, elements, words):
    if "NumberOfFrames" in elements:
        twice = np.repeat(chest_dicom().pixel_array[None], 2, 0)
        path = film()
        study = {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.3", **elements}
        path.write_bytes(saved(dicom(twice, **study)))
    else:
        path = film(**elements)
    one_sentence(run("dicom-result", path, "--out", tmp_path / "out", "--model", model), words)
    assert not (tmp_path / "out").exists()


def test_each_result_is_told_from_a_film_however_large(answer, responder, tmp_path):
    paths = answer().save(tmp_path / "out")
    assert len(paths) == 3
    for length in (None, MAX_BYTES + 1):  # as the map of a large film
        for path in paths:
            if length:
                os.truncate(path, length)
            with pytest.raises(DicomError, match="is a result of this software, not a film"):
                responder.answer(path)


def test_what_is_no_result_is_refused_as_before(film, responder):
    for path in (film("other", Manufacturer="another"), film("torn", Manufacturer="pneumonia")):
        os.truncate(path, MAX_BYTES + 1 if path.name == "other" else 200)
        with pytest.raises(RadiographError, match=r"is (larger than|damaged)"):
            responder.answer(path)


@pytest.mark.parametrize("content", [b"no picture", b"png"])
def test_what_is_no_dicom_is_one_sentence(tmp_path, model, content):
    path = tmp_path / "film.dcm"
    path.write_bytes(content)
    if content == b"png":
        Image.new("L", (64, 64)).save(path, "PNG")
    ended = run("dicom-result", path, "--out", tmp_path / "out", "--model", model)
    one_sentence(ended, '"film.dcm" is not a DICOM file')


def one_sentence(ended, words: str) -> None:
    assert ended.exit_code == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("pneumonia dicom-result: ") and words in line


def test_a_second_run_writes_over_the_first(film, model, tmp_path):
    out = tmp_path / "out"
    path = film()
    first = run("dicom-result", path, "--out", out, "--model", model)
    written = sorted(first.stdout.split())
    assert first.exit_code == 0 and sorted(map(str, out.iterdir())) == written
    for name in written:
        open(name, "wb").close()  # as if a disk had been full
    assert sorted(run("dicom-result", path, "--out", out, "--model", model).stdout.split()) == (
        written
    )
    assert sorted(map(str, out.iterdir())) == written
    assert all(pydicom.dcmread(name).SOPInstanceUID in name for name in written)


@pytest.mark.parametrize("elements", [{}, OLD, {"BodyPartExamined": ""}], ids=str)
def test_others_find_no_fault_with_them(answer, program, tmp_path, elements):
    validate, dump = program("dciodvfy", "dicom3tools"), program("dsrdump", "dcmtk")
    reply = answer(**elements)
    reply.save(tmp_path)
    for name in reply.files:
        ended = subprocess.run([validate, tmp_path / name], capture_output=True, text=True)
        assert not [line for line in ended.stderr.splitlines() if line.startswith("Error")]
    report = reply.record["models"]["cnn"]["objects"]["report"]["file"]
    ended = subprocess.run([dump, tmp_path / report], capture_output=True, text=True, check=True)
    assert "Comprehensive SR Document" in ended.stdout
    assert not [line for line in ended.stderr.splitlines() if line.startswith("E:")]
    scope = "out-of-scope" if elements == OLD else "in-scope"
    assert f"({scope},99PNEUMONIA," in ended.stdout
