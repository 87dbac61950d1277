"""Limits of the standard's part 4 that more than one room asks about, each by the code that it belongs to."""

# GEO-FEW: below, nothing is said about lungs
LEAST_SLICES = 15
LEAST_EXTENT_MM = 60.0
# GEO-NOIPP and GEO-ORIENT: of the cosines of Image Orientation (Patient)
COSINE_TOLERANCE = 1e-3
# GEO-NONAX: between the slices' normal and the patient's long axis
MOST_OFF_AXIAL_DEG = 10.0
# GEO-THICK: what is thicker is not read at all
THICKEST_MM = 10.0
# ACQ-DTHICK
THICKEST_FOR_DENSITY_MM = 2.5
# GEO-DUP: positions that are one
SAME_PLACE_MM = 0.01
# GEO-UNEVEN: how far a step may be off the median one, the greater of the two
UNEVEN_FRAC = 0.01
UNEVEN_MM = 0.05
# SIZE-COUNT: instances of a series
MOST_INSTANCES = 6000
# SIZE-DIM: of one object
MOST_ROWS_OR_COLUMNS = 4096
MOST_FRAMES = 5000
MOST_PIXEL_BYTES = 4 << 30
# SIZE-NEST: of one data set
DEEPEST_NESTING = 16
MOST_ELEMENTS = 200_000
