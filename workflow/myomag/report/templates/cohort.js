(function () {
  const PAGE = 500;
  const table = document.getElementById("overview");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const find = document.getElementById("find");
  const status = document.getElementById("status");
  const verdict = document.getElementById("verdict");
  const rated = document.getElementById("rating");
  const shown = document.getElementById("shown");
  const found = document.getElementById("found");
  const pager = document.getElementById("pager");
  const [previous, next] = pager.querySelectorAll("button");
  const words = new Map(rows.map((row) => [row, `${row.title} ${row.textContent}`.toLowerCase()]));
  const collator = new Intl.Collator("en", { numeric: true });
  let order = rows, fitting = rows, page = 0;

  const rating = (row) => ratings.of(row.dataset.scan);
  const fitsRating = (row) => !rated.value || (rating(row) === null ? "none" : rating(row).verdict) === rated.value;

  // Buttons are made for the rows in view alone: a large study has thousands.
  function dress(row) {
    const cell = row.querySelector(".rate");
    if (!cell.firstChild) { cell.append(rater(row.dataset.scan, true)); }
    cell.firstChild.show();
  }

  function draw() {
    const from = page * PAGE, to = Math.min(from + PAGE, fitting.length);
    const visible = fitting.slice(from, to);
    visible.forEach(dress);
    body.replaceChildren(...visible);
    pager.hidden = fitting.length <= PAGE;
    pager.querySelector("output").textContent = `${from + 1} to ${to} of ${fitting.length}`;
    previous.disabled = page === 0;
    next.disabled = to === fitting.length;
  }

  function turn(step) {
    page += step;
    draw();
    body.parentElement.parentElement.scrollTop = 0;
  }

  function filter() {
    const wanted = find.value.trim().toLowerCase();
    fitting = order.filter((row) => words.get(row).includes(wanted)
      && (!status.value || row.dataset.status === status.value)
      && (!verdict.value || row.dataset.verdict === verdict.value)
      && fitsRating(row));
    shown.textContent = fitting.length === rows.length ? `${rows.length} scans` : `${fitting.length} of ${rows.length} scans`;
    found.textContent = wanted ? `${fitting.length} of ${rows.length} scans: press Enter` : "";
    page = 0;
    draw();
  }

  function compare(column, kind, sign) {
    const key = (row) => (column === RATING ? (rating(row) || { verdict: "" }).verdict : row.cells[column].textContent);
    return function (one, other) {
      if (kind === "text") { return sign * collator.compare(key(one), key(other)); }
      const [a, b] = [one, other].map((row) => row.cells[column].dataset.sort);
      if (a === "" || b === "") { return (a === "" ? 1 : 0) - (b === "" ? 1 : 0); }
      return sign * (Number(a) - Number(b));
    };
  }

  const headings = Array.from(table.tHead.querySelectorAll("button"));
  const RATING = headings.findIndex((heading) => heading.textContent === "Rating");
  headings.forEach(function (heading, column) {
    heading.addEventListener("click", function () {
      const cell = heading.parentElement;
      const rising = cell.getAttribute("aria-sort") !== "ascending";
      table.tHead.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      cell.setAttribute("aria-sort", rising ? "ascending" : "descending");
      order = rows.slice().sort(compare(column, heading.dataset.kind, rising ? 1 : -1));
      filter();
    });
  });
  document.querySelector(".filter").addEventListener("submit", (event) => event.preventDefault());
  [find, status, verdict, rated].forEach((input) => input.addEventListener("input", filter));
  previous.addEventListener("click", () => turn(-1));
  next.addEventListener("click", () => turn(1));
  ratings.listen(() => body.querySelectorAll("tr").forEach(dress));
  filter();

  // A point tells its scan, also in the other plots; arrow keys go from point to point.
  function mark(point) {
    document.querySelectorAll("a.same").forEach((other) => other.classList.remove("same"));
    document.querySelectorAll("figure.points output").forEach((output) => { output.textContent = ""; });
    if (!point) { return; }
    document.querySelectorAll(`a[data-i="${point.dataset.i}"]`).forEach(function (same) {
      same.classList.add("same");
      same.closest("figure").querySelector("output").textContent = `${same.querySelector("title").textContent}. `;
    });
  }
  document.querySelectorAll("figure.points").forEach(function (figure) {
    const points = Array.from(figure.querySelectorAll("a[data-i]"));
    figure.addEventListener("pointerover", (event) => mark(event.target.closest("a[data-i]")));
    figure.addEventListener("pointerleave", () => mark(null));
    figure.addEventListener("focusin", (event) => mark(event.target.closest("a[data-i]")));
    figure.addEventListener("focusout", () => mark(null));
    figure.addEventListener("keydown", function (event) {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
      const from = points.indexOf(event.target.closest("a[data-i]"));
      if (step === undefined || from < 0) { return; }
      event.preventDefault();
      const to = Math.min(Math.max(from + step, 0), points.length - 1);
      points[from].setAttribute("tabindex", "-1");
      points[to].setAttribute("tabindex", "0");
      points[to].focus();
    });
  });

  // The pages of the scans lead on in the order of this table.
  addEventListener("pagehide", function () {
    const pages = fitting.map((row) => row.querySelector("a").getAttribute("href").split("#")[0]);
    try { sessionStorage.setItem(ratings.key, JSON.stringify(Array.from(new Set(pages)))); } catch (error) { return; }
  });
})();
