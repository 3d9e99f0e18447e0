"""Judge the measured quality of one scan by the thresholds of the settings."""

from collections.abc import Mapping
from math import inf
from pathlib import Path

from myomag.io.scan_records import Measures, Quality, read_scan_record, scan_record_bytes
from myomag.settings.qc import QcSettings


def verdict_scan(scan: str, inputs: Mapping[str, Path], settings: QcSettings) -> dict[str, bytes]:
    """Judge one scan; returns its measures with verdict and reasons under `quality`.

    Parameters
    ----------
    scan : str
        BIDS stem of the scan.
    inputs : mapping of str to Path
        `measures`.
    settings : QcSettings
        Thresholds.
    """
    measures = read_scan_record(inputs["measures"], Measures)
    verdict, reasons = judge(measures, settings)
    quality = Quality(verdict=verdict, reasons=reasons, **dict(measures) | {"scan": scan})
    return {"quality": scan_record_bytes(quality)}


def judge(measures: Measures, settings: QcSettings) -> tuple[str, list[str]]:
    """Verdict (pass, warn or fail) on what was measured, with a reason for each threshold not met."""
    fraction = "fraction of rejected transients"
    # Name, value, unit, whether more is better (−1) or worse (1), limits of fail and warn.
    checks = (
        ("PCr SNR", measures.pcr_snr, "", -1, settings.min_snr, settings.warn_snr),
        ("PCr linewidth", measures.pcr_fwhm_ppm, " ppm", 1, settings.max_linewidth_ppm, settings.warn_linewidth_ppm),
        ("frequency drift", measures.frequency_drift_hz, " Hz", 1, inf, settings.warn_drift_hz),
        (fraction, measures.rejected_fraction, "", 1, settings.max_rejected_fraction, settings.warn_rejected_fraction),
    )
    verdicts, reasons = ["pass"], []
    for name, value, unit, sign, fail_limit, warn_limit in checks:
        if value is None:
            verdicts.append("warn")
            reasons.append(f"{name} not known: no noise could be measured")
            continue
        for verdict, limit in (("fail", fail_limit), ("warn", warn_limit)):
            if sign * value > sign * limit:
                verdicts.append(verdict)
                reasons.append(f"{name} {value:.3g}{unit} {'above' if sign > 0 else 'below'} {limit:g}{unit}")
                break
    return max(verdicts, key=("pass", "warn", "fail").index), reasons
