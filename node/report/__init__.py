"""The room `report`: a measured case in, DICOM files out that other people's readers read as they were meant.

`encode.encode_results` writes the segmentation and the TID 1500 report of a case and, where destinations ask for them,
outlines, key slices, PDF, contours and key objects (`others`); `encode.encode_notice` writes the notice of a refused
series, `encode.encode_notice_picture` the same as an image; `check.self_check` compares what was written with what was
found, `uids` derives every UID, `deflate.deflate` makes the smaller copy for destinations that take it, `conformance`
and `error_codes` write the two documents that are generated from the code. Codes stand in `codes`, and nowhere else.
"""
