// The bar at the top, and parts that are folded.
(function () {
  const contents = document.querySelector(".toc"), narrow = matchMedia("(max-width: 64rem)");
  const fit = function () { contents.open = !narrow.matches; };
  narrow.addEventListener("change", fit);
  fit();
  // On a narrow screen the list covers the page: it closes behind who has chosen, or pressed Escape.
  const close = function () { if (narrow.matches) { contents.open = false; } };
  contents.addEventListener("click", (event) => { if (event.target.closest("a")) { close(); } });
  contents.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && narrow.matches) { close(); contents.querySelector("summary").focus(); }
  });

  // The section in view is marked in the list.
  const links = new Map(Array.from(contents.querySelectorAll('a[href^="#"]'), (link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver(function (entries) {
    entries.filter((entry) => entry.isIntersecting).forEach(function (entry) {
      links.forEach((link) => link.removeAttribute("aria-current"));
      links.get(entry.target.id).setAttribute("aria-current", "location");
    });
  }, { rootMargin: "-20% 0px -70% 0px" });
  links.forEach((link, id) => seen.observe(document.getElementById(id)));

  // Enter leads from the search to what it found.
  document.querySelector("form.find").addEventListener("submit", function (event) {
    event.preventDefault();
    document.getElementById("scans-found").scrollIntoView();
    document.querySelector("#overview tbody a")?.focus({ preventScroll: true });
  });

  // On paper nothing is folded.
  let folded = [];
  addEventListener("beforeprint", function () {
    folded = Array.from(document.querySelectorAll("main details:not([open])"));
    folded.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((part) => { part.open = false; }));
})();
