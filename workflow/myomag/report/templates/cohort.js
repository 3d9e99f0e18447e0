"use strict";
(function () {
  const table = document.getElementById("overview");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const find = document.getElementById("find");
  const status = document.getElementById("status");
  const verdict = document.getElementById("verdict");
  const shown = document.getElementById("shown");
  const words = rows.map((row) => `${row.title} ${row.textContent}`.toLowerCase());
  const collator = new Intl.Collator("en", { numeric: true });

  function filter() {
    const wanted = find.value.trim().toLowerCase();
    let count = 0;
    rows.forEach(function (row, index) {
      const fits = words[index].includes(wanted)
        && (!status.value || row.dataset.status === status.value)
        && (!verdict.value || row.dataset.verdict === verdict.value);
      row.hidden = !fits;
      count += fits ? 1 : 0;
    });
    shown.textContent = count === rows.length ? `${count} scans` : `${count} of ${rows.length} scans`;
  }

  function compare(column, kind, sign) {
    return function (one, other) {
      const [a, b] = [one, other].map((row) => row.cells[column]);
      if (kind === "text") { return sign * collator.compare(a.textContent, b.textContent); }
      if (a.dataset.sort === "" || b.dataset.sort === "") {
        return (a.dataset.sort === "" ? 1 : 0) - (b.dataset.sort === "" ? 1 : 0);
      }
      return sign * (Number(a.dataset.sort) - Number(b.dataset.sort));
    };
  }

  table.tHead.querySelectorAll("button").forEach(function (button, column) {
    button.addEventListener("click", function () {
      const heading = button.parentElement;
      const rising = heading.getAttribute("aria-sort") !== "ascending";
      table.tHead.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
      body.append(...rows.slice().sort(compare(column, button.dataset.kind, rising ? 1 : -1)));
    });
  });
  document.querySelector(".filter").addEventListener("submit", (event) => event.preventDefault());
  [find, status, verdict].forEach((input) => input.addEventListener("input", filter));
})();
