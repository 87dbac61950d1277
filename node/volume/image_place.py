"""How a reader finds a slice in the archive: the number of its image and its height, as a PACS shows both."""

from node.volume.volume import Volume


def image_words(volume: Volume, z: int) -> str:
    """Return number and height, such as "image 43 (z -118.0 mm)"."""
    number = image_number(volume, z)
    return f"{number} ({height_words(volume, z)})" if number else height_words(volume, z)


def image_number(volume: Volume, z: int) -> str:
    """Return Instance Number, and the frame where an instance has several; "" where no header has a number."""
    if not volume.frames:
        return ""
    frame = volume.frames[z]
    facts = next(f.facts for f in volume.series.files if f.facts.sop_instance_uid == frame.sop_instance_uid)
    image = "" if facts.instance_number is None else f"image {facts.instance_number}"
    if facts.number_of_frames > 1:
        return f"frame {frame.frame_number}" + (f" of {image}" if image else "")
    return image


def height_words(volume: Volume, z: int) -> str:
    """Return z of Image Position, mm."""
    z_mm = float((volume.lps_from_zyx @ [z, 0, 0, 1])[2])
    return f"z {round(z_mm, 1) + 0.0:.1f} mm"
