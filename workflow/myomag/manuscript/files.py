"""The files for an author, by name in the derivative."""

from myomag.manuscript.blocks import markdown
from myomag.manuscript.material import Material
from myomag.manuscript.methods import methods_blocks
from myomag.manuscript.tables import printed_tables
from myomag.manuscript.word import table_document, text_document


def manuscript_files(material: Material) -> dict[str, bytes]:
    """Methods and tables: name in the derivative and content.

    Parameters
    ----------
    material : Material
        Results of the study.
    """
    blocks, tables = methods_blocks(material), printed_tables(material)
    return {
        "methods.md": markdown(blocks).encode(),
        "methods.docx": text_document(blocks),
        "tables.docx": table_document(tables),
        **{f"tables/{table.name}.csv": table.csv() for table in tables},
    }
