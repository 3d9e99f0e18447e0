"""Settings of the seals."""

from typing import Literal

from pydantic import Field

from myomag.settings.base import Name, Section


class AuditSettings(Section):
    """The anchor of each run, sealed in a log outside the results."""

    seal_log: Name | Literal[False] | None = Field(
        None,
        description="Log that each run adds its seal to, by default (null) STUDY.seals.jsonl beside the study, or "
        "beside the results where these lie elsewhere; false for none. A place outside the folder that holds the study "
        "is given on the command line.",
    )
    sign_key: Name | None = Field(
        None,
        description="SSH key that signs each seal (ssh-keygen -Y sign): the file of a private key, or of a public one "
        "whose private part an agent holds.",
    )
