"""A film's verdict as DICOM, into the film's own study: maps, a picture and a report.

``origin`` takes from the film what its results need, ``identity`` names them, ``activation``,
``capture`` and ``report`` are the three kinds, ``results`` makes and writes them all; ``folder``
and ``service`` do so for routers.
"""
