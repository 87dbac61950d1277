"""Measurements of lesions: a volume and a segmentation in, one `LesionMeasurements` per lesion out (`lesions.py`)."""
