"""What `docs/measurements.md` says of every number that leaves: definition, unit, code, source, error, refusal."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One number. `name` is its value in `Name`, `LesionName` or `Statistic`; else a word of this page."""

    name: str
    what: str
    definition: str
    unit: str
    code: str
    source: str
    error: str
    refused: str


_WORDS = {
    "exact": "0 on the true mask (arithmetic)",
    "density": (
        "D: ACQ-CONTRAST, ACQ-KERNEL, ACQ-DTHICK, ACQ-EXP, ACQ-LOWDOSE, ACQ-METAL, ACQ-PRONE, GEO-THICK, GEO-PARTIAL, "
        "HU-LOSSY; SEG-UNSURE, SEG-ASYM (small side, and both with it)"
    ),
    "mean density": "ACQ-CONTRAST, ACQ-EXP, GEO-PARTIAL; SEG-UNSURE, SEG-ASYM (small side, and both with it)",
    "size": "SEG-MERGED, GEO-PARTIAL (lesion cut), GEO-THICK (over 5 mm; over 3 mm below 10 mm), HU-LOSSY below 10 mm",
    "suv": "every S and P code (PT-…, REG-FOR, REG-TIME), REG-SHIFT marks it",
}

# name | what | unit | code | source; then = definition, ~ error on phantoms, ! when refused
_TABLE = """
lung_volume | Lung volume | ml (cm3) | (118565006, SCT), method (126030, DCM) | PS3.16
    = voxels × voxel volume, airways outside the mask left out; a side or both (the sum); lesions: see
        `definition`
    ~ {exact}; lungs-rule: {volume}
    ! SEG-UNSURE where the lungs are the reason; GEO-PARTIAL: given as a lower bound; both, of one lung alone:
        SEG-ASYM or GEO-PARTIAL
mean_lung_density | Mean density | [hnsf'U] | (112031, DCM), derivation (373098007, SCT) | own reference 2.1
    = mean HU of the lung mask, vessels in, lesions out
    ~ {exact}; lungs-rule: {mean}
    ! {mean density}
sd_lung_density | SD of density | [hnsf'U] | (112031, DCM), derivation (386136009, SCT) | own reference 2.1
    = standard deviation of the same voxels (population)
    ~ {exact}
    ! {mean density}
laa_950 | LAA-950 | % | LN-LAA950 | threshold of CT densitometry, ≤ fixed
    = 100 × voxels ≤ -950 HU / voxels
    ~ {exact}; lungs-rule: {laa}
    ! {density}
laa_910 | LAA-910 | % | LN-LAA910 | as LAA-950
    = the same at -910 HU
    ~ {exact}
    ! {density}
perc15 | Perc15 | [hnsf'U] | LN-PERC15 | 15th percentile method
    = HU below which 15 % of the voxels lie, linear between order statistics
    ~ {exact}; lungs-rule: {perc15}
    ! {density}
pd15 | PD15 | g/l | LN-PD15 | 15th percentile method
    = Perc15 + 1000, no air or volume adjustment
    ~ {exact}
    ! {density}
zone | The same six densities per zone | as above | as above, site with a Topographical modifier | own reference 2.5
    = thirds of each lung's own height (not lobes), per side and of both; no volumes
    ~ 0 on layers; {exact}
    ! as above; and GEO-PARTIAL: a lung that is cut off has no thirds
long_axis | Long axis | mm | (103339001, SCT), method (126081, DCM) | RECIST 1.1
    = longest line in one part of an acquired slice, greatest over slices
    ~ {long axis} mm
    ! {size}
short_axis | Short axis | mm | (103340004, SCT), method (126081, DCM) | RECIST 1.1
    = longest chord perpendicular to it on that slice; of a curved lesion the longest that lies in it
    ~ {short axis} mm
    ! {size}
mean_diameter | Mean diameter | mm | (81827009, SCT), derivation (373098007, SCT), method LN-M-LSMEAN | Fleischner 2017
    = (long + short) / 2; printed in whole mm
    ~ {mean diameter} mm
    ! {size}
mpr_diameter | Longest MPR diameter | mm | LN-MPRMAX | TNM 9th edition, T by size
    = longest line in any axial, coronal or sagittal plane; the size for TNM bands
    ~ {longest MPR line} mm
    ! {size}
feret | 3D Feret | mm | (L0JK, IBSI) | IBSI
    = greatest distance of two vertices of the mesh
    ~ {3D Feret} mm
    ! {size}
voxel_volume | Volume, voxels | mm3 | (YEKZ, IBSI) | IBSI
    = voxels × voxel volume (primary)
    ~ {voxel volume} %
    ! {size}
volume | Volume once more | mm3 | (118565006, SCT), method (126030, DCM) | PS3.16
    = the same under the code that viewers know
    ~ {voxel volume} %
    ! {size}
mesh_volume | Volume, mesh | mm3 | (RNU0, IBSI) | IBSI
    = signed tetrahedra of the mesh
    ~ {mesh volume} %
    ! {size}
sphericity | Sphericity | 1 | (QCFX, IBSI) | IBSI
    = π^(1/3) (6V)^(2/3) / A of the mesh
    ~ 0.92 for a digitised ball
    ! {size}; over 1.05 (mesh fault)
mean_hu | Attenuation, mean | [hnsf'U] | (112031, DCM), derivation (373098007, SCT) | own reference 2.2
    = over the lesion's voxels
    ~ {exact}
    ! {size}; ACQ-KERNEL marks it
sd_hu | Attenuation, SD | [hnsf'U] | (112031, DCM), derivation (386136009, SCT) | own reference 2.2
    = of the same voxels
    ~ {exact}
    ! as mean
minimum_hu | Attenuation, minimum | [hnsf'U] | (112031, DCM), derivation (255605001, SCT) | own reference 2.2
    = of the same voxels
    ~ {exact}
    ! as mean
maximum_hu | Attenuation, maximum | [hnsf'U] | (112031, DCM), derivation (56851009, SCT) | own reference 2.2
    = of the same voxels
    ~ {exact}
    ! as mean
solid | Solid component | mm, mm3 | finding LN-F-SOLID, same concepts | own reference 2.2
    = all sizes above of the part ≥ -300 HU with thin vessels removed; part-solid: 10 to 90 % dense after one
        erosion, component ≥ 3 mm
    ~ as the sizes
    ! {size}
to_pleura | Distance to the pleura | mm | LN-DPLEURA | own reference 2.2
    = least distance of outermost voxels to the lung's outer surface, 0 where it touches; no statement on
        invasion
    ~ below one voxel (`pytest tests/measure/lesions/test_lesion_location.py`)
    ! as sizes; no lung near, lung cut off
to_mediastinum | Distance to the medial half of the lung surface | mm | Comment | own reference 4
    = the same to the medial half of that surface, slice by slice half of the lung's width: ribs included, so that it is
        no distance to the mediastinum; in words only
    ~ below one voxel (same tests)
    ! as above
to_carina | Distance to the carina | mm | LN-DCARINA | own reference 2.2
    = centroid to carina
    ~ carina within 2 mm on a fork of tubes (`pytest tests/measure/lesions/test_lesion_carina.py`)
    ! carina not found for certain
doubling_time | Volume doubling time | d | LN-VDT | own reference 2.2
    = ln 2 × days / ln(V2/V1), both by today's model, days between acquisitions; matched after a rigid alignment
        of the lungs (Dice ≥ 0.8), within 15 mm and half a diameter, unambiguous
    ~ 10 to 14 mm in 180 d: {doubling time} %
    ! PRIOR-ID, -AWAY, -LATE, -REFUSED, -NOFIT (whole comparison), PRIOR-UNLIKE (kernel class or thickness
        differ); change ≤ 25 % (repeatability, ours); < 30 d; shrinking
diameter_change | Change of the mean diameter | mm | Comment | own reference 4
    = today's minus the prior's; in words and `result.json`
    ~ {diameter change} mm
    ! as above; ≤ 2 mm is called within repeatability
max | SUVmax | g/ml{SUVbw} | (126401, DCM), derivation (56851009, SCT), method (126410, DCM) | PS3.3 C.8.9, QIBA
    = in the CT lesion and 10 mm round it, on the PET's grid; the factor by the QIBA decision table
    ~ factor within 1e-6 (`pytest tests/volume/pet`)
    ! {suv}; PT-SPILL (the whole lesion): a hotter voxel just outside
mean | SUVmean | g/ml{SUVbw} | (126401, DCM), derivation (373098007, SCT) | own reference 2.3
    = over the 41 % mask
    ~ 0 in a uniform ball
    ! {suv}; PT-SPILL: as MTV 41 %
peak | SUVpeak | g/ml{SUVbw} | (126401, DCM), derivation (126031, DCM) | PERCIST
    = greatest mean of a 1 cm3 sphere with its centre in the 41 % mask
    ~ {SUVpeak} % in a ball of 30 mm
    ! {suv}; PT-SPILL: as MTV 41 %; over 10 % outside the scan
sul | SUL by Janmahasatian, James | g/ml{SUVlbm(Janma)} | (126405), (126402), (126406), DCM | Janmahasatian, James
    = SUVbw × lean mass / weight
    ~ 0 on the test values of the reference
    ! {suv}; PT-HEIGHT; James: BMI > 40
mtv | MTV 41 %, 2.5, 4.0 | ml (cm3) | (126032, DCM), method LN-M-MTV41, -25, -40 | own reference 2.3
    = 6-connected piece above the threshold round the maximum, within 10 mm of the CT lesion, only where it ends
        there: 41 % of a lesion of low contrast takes up the surroundings (Cancers 2020, 12, 601, table 2)
    ~ 41 %: {MTV 41 %} %
    ! {suv}; PT-NOVOX, PT-TRACER, PT-SPILL
tlg | TLG | g | (126033, DCM), method as its MTV | own reference 2.3
    = SUVmean × MTV of the same mask
    ~ 41 %: {TLG 41 %} %
    ! as MTV
reference | Liver and blood reference | g/ml | see the report's reference groups | PERCIST
    = SUVmean of a 30 mm sphere in the right liver, 10 mm in the descending aorta
    ~ found on the phantom (`pytest tests/measure/pet`)
    ! place not certain on CT; SD over 0.3 of the mean
"""


def rows(cells: Mapping[str, str]) -> Iterator[Row]:
    """Yield the table; `cells` are the measured errors that it quotes, by name."""
    for head, *rest in _blocks():
        name, what, unit, code, source = head.split(" | ")
        told = {line[0]: line[2:] for line in rest}
        error, refused = (told[sign].format_map({**_WORDS, **cells}) for sign in "~!")
        yield Row(name, what, told["="], unit, code, source, error, refused)


def _blocks() -> Iterator[list[str]]:
    """Yield each row's lines, continued ones joined."""
    block: list[str] = []
    for line in _TABLE.strip().splitlines():
        if not line.startswith(" "):
            if block:
                yield block
            block = [line]
        elif line.startswith("        "):
            block[-1] += f" {line.strip()}"
        else:
            block.append(line.strip())
    yield block
