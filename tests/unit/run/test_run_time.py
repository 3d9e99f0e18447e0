"""The page with the cost of every job."""

from pathlib import Path

import pytest

from myomag.io.files import write_atomic
from myomag.ledger.rows import Row, ledger_bytes, ledger_path
from myomag.run.run_time import RUNTIME_PAGE, read_jobs, write_run_time
from myomag.wording.text import MISSING

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.fixture
def derivative(tmp_path: Path) -> Path:
    for batch, scans in ((0, 3), (4, 1)):
        rows = [Row(f"sub-{batch}{n}", f"sub-{batch}{n}", "") for n in range(scans)]
        write_atomic(tmp_path, ledger_path("raw", batch), ledger_bytes(rows))
    for name, seconds, rss, cpu in (
        ("qc/batch-0.tsv", "2.5", "80.0", "1.5"),
        ("qc/batch-4.tsv", "0.1", "-", "0.00"),
        ("qc/batch-9.tsv", "99", "999", "99"),
        ("cohort.tsv", "4.0", "120.5", "2.0"),
    ):
        line = f"{seconds}\t0:00:00\t{rss}\t0\t0\t0\t0\t0\t0\t{cpu}\n"
        write_atomic(tmp_path, f"benchmarks/{name}", (HEAD + line).encode())
    return tmp_path


def test_jobs_are_those_of_the_batches_the_study_has_now(derivative: Path) -> None:
    found = [(job.step, job.batch, job.scans, job.cpu_seconds, job.peak_mb) for job in read_jobs(derivative)]
    assert found == [("qc", "0", 3, 1.5, 80.0), ("qc", "4", 1, 0.0, 0.0), ("cohort", "", 4, 2.0, 120.5)]


def test_page_sums_up_by_step_and_in_total(derivative: Path) -> None:
    write_run_time(derivative)
    page = (derivative / RUNTIME_PAGE).read_text()
    cells = [row.split("</td>")[:-1] for row in page.split("<tr>") if "<td>" in row]
    numbers = [[cell.rpartition(">")[2] for cell in row] for row in cells]
    assert numbers[0] == ["2", "4", "2.6", "2.5", "1.5", "375", "80"], "qc: 1.5 s for 4 scans are 375 ms each"
    assert numbers[2] == ["3", "4", "6.6", "4.0", "3.5", "875", "120"], "in total every scan counts once"
    assert numbers[-1] == ["1", "1", "0.1", "0.1", MISSING, MISSING, MISSING], "too short to be sampled"


def test_nothing_is_written_before_a_job_has_run(tmp_path: Path) -> None:
    write_run_time(tmp_path)
    assert not (tmp_path / RUNTIME_PAGE).exists()
