"""What the Snakemake options request, as parsed by Snakemake itself."""

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from typing import Any

from myomag.errors import SettingsError

_LOOKS = (
    *("dryrun", "summary", "detailed_summary", "dag", "rulegraph", "filegraph", "d3dag", "lint", "report", "reporter"),
    *("list_rules", "list_target_rules", "list_changes", "list_input_changes", "list_params_changes"),
    *("list_untracked", "list_conda_envs", "containerize", "generate_unit_tests", "print_compilation", "unlock"),
    *("touch", "cleanup_metadata", "cleanup_shadow", "conda_cleanup_envs", "conda_create_envs_only"),
    *("container_cleanup_images", "delete_all_output", "delete_temp_output", "archive"),
)
_PART = ("targets", "until", "omit_from", "allowed_rules", "batch", "target_jobs")
_FORCED = ("forcerun", "force", "forceall")


@dataclass(frozen=True)
class Asked:
    """Requests in the options for Snakemake.

    Attributes
    ----------
    given : mapping
        Settings of --config and --configfile.
    cores : str or None
        Processors, as given by --cores.
    looks : bool
        Whether Snakemake only prints or does housekeeping, without running jobs.
    part : bool
        Whether only a part of the flow is requested.
    forced : bool
        Whether jobs are forced to run.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    cores: str | None = None
    looks: bool = False
    part: bool = False
    forced: bool = False


def asked_for(options: Sequence[str]) -> Asked:
    """Requests of some options.

    Raises
    ------
    SettingsError
        If Snakemake would reject them.
    """
    if not options:
        return Asked()
    # It takes a second to load, which a run without options avoids.
    from snakemake.cli import get_argument_parser, parse_config
    from snakemake.exceptions import WorkflowError
    from snakemake.settings.types import ConfigSettings

    said = io.StringIO()
    try:
        with redirect_stderr(said):
            found = get_argument_parser().parse_args(list(options))
        given = ConfigSettings(config=parse_config(found.config), configfiles=found.configfile or ()).overwrite_config
    except SystemExit as error:
        if not error.code:
            raise
        reason = said.getvalue().strip().splitlines()[-1:] or [""]
        raise SettingsError(f"options after --: {reason[0].rpartition('error: ')[2]}; see: snakemake --help") from error
    except (WorkflowError, OSError, ValueError) as error:
        raise SettingsError(f"options after --: {error}") from error
    one = vars(found)
    return Asked(
        given,
        None if found.cores is None else str(found.cores),
        any(one.get(name) for name in _LOOKS),
        any(one.get(name) for name in _PART),
        any(one.get(name) for name in _FORCED),
    )
