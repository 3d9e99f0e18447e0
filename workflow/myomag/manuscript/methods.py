"""Methods section of a paper, written from settings, headers and counts."""

from collections.abc import Iterator

from myomag import __version__
from myomag.manuscript.acquisition import acquisition
from myomag.manuscript.analysis import quantification
from myomag.manuscript.blocks import Block, Heading, Listing, Paragraph, listed, markdown
from myomag.manuscript.flow import flow
from myomag.manuscript.inference import inference, series
from myomag.manuscript.material import Material
from myomag.manuscript.references import cited
from myomag.settings.cohort import published_models

NAMED = ("Python", "numpy", "scipy", "nibabel", "pandas", "statsmodels", "snakemake")
"""Software that computes; all of it stands in the records of the run."""


def methods_blocks(material: Material) -> list[Block]:
    """Parts of the methods section, with the references that it cites.

    Parameters
    ----------
    material : Material
        Results of the study.
    """
    blocks = [*_sections(material)]
    references = cited(markdown(blocks))
    return [*blocks, Heading("References"), Listing(references)]


def _sections(material: Material) -> Iterator[Block]:
    yield Heading("Methods", 1)
    yield Paragraph(
        "Draft written by myomag from the settings, the headers of the scans and the results of this run. Square "
        "brackets mark missing information, which the authors have to add."
    )
    yield Heading("Participants")
    yield Paragraph("[recruitment, eligibility criteria, approval and consent: to be given by the authors]")
    yield Heading("Acquisition")
    yield from acquisition(material.protocols)
    yield Heading("Processing and quantification")
    yield from quantification(material)
    if movement := [*series(material)]:
        yield Heading("Exercise and recovery")
        yield from movement
    yield Heading("Quality control and exclusions")
    yield from flow(material)
    yield Heading("Statistical analysis")
    yield from inference(material)
    yield Heading("Software and reporting")
    versions = [f"{name} {version}" for name, version in material.software.items() if name in NAMED]
    yield Paragraph.of(
        f"Data were processed by myomag {__version__}" + (f" with {listed(versions)}." if versions else "."),
        "Regressions were those of statsmodels (Seabold and Perktold, 2010)."
        if "statsmodels" in material.software
        else "",
        "The models follow a published analysis (Cameron et al., 2019)." if _published(material) else "",
        "The acquisition is reported in the table of the consensus on minimum reporting standards (Table S2; Lin et "
        "al., 2021).",
    )


def _published(material: Material) -> bool:
    """Whether the models are the default ones."""
    return material.settings.cohort.models == published_models()
