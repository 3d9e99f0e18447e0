// What the theme leaves out for screen readers and keyboards: levels of headings, names of regions, a way into what scrolls.
document.addEventListener("DOMContentLoaded", () => {
  for (const caption of document.querySelectorAll('.caption[role="heading"]')) caption.setAttribute("aria-level", "2");
  document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "Pages");
  document.querySelector(".toc-drawer")?.setAttribute("aria-label", "On this page");
  for (const part of document.querySelectorAll("pre, .table-wrapper, div.math")) part.tabIndex = 0;
  if (!document.querySelector("h1")) {
    document.querySelector("article")?.prepend(Object.assign(document.createElement("h1"), { textContent: "Search" }));
  }
});
