"""Settings of the seals."""

from typing import Literal

from pydantic import Field

from myomag.settings.base import Name, Section


class AuditSettings(Section):
    """The anchor of each run, sealed in a log outside the results."""

    seal_log: Name | Literal[False] | None = Field(
        None,
        description="Log to which each run adds its seal. null: STUDY.seals.jsonl beside the study, or beside the "
        "results if they are stored elsewhere; false: none. To place it outside the folder that "
        "contains the study, use the command line.",
    )
    sign_key: Name | None = Field(
        None,
        description="SSH key that signs each seal (ssh-keygen -Y sign): a private key file, or a public one whose "
        "private part is held by an agent.",
    )
