document.querySelectorAll(".rating").forEach(function (line) {
  const box = rater(line.dataset.scan, false);
  line.append(box);
  ratings.listen(box.show);
});

// On to the next participant in the order in which the table of the cohort was left.
(function () {
  let pages = [];
  try { pages = JSON.parse(sessionStorage.getItem(ratings.key)) || []; } catch (error) { return; }
  const here = pages.indexOf(location.pathname.slice(location.pathname.lastIndexOf("/") + 1));
  const place = document.querySelector(".up");
  [["‹ previous", pages[here - 1]], ["next ›", pages[here + 1]]].forEach(function ([label, page]) {
    if (here < 0 || !page) { return; }
    const link = document.createElement("a");
    link.href = page;
    link.textContent = label;
    place.append(" · ", link);
  });
})();
