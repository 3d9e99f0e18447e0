"use strict";
// Ratings of scans, kept by the browser, and the settings they make; commands to copy.
const ratings = (function () {
  const folder = location.pathname.slice(0, location.pathname.lastIndexOf("/"));
  const key = `myomag ratings ${folder}`;
  const listeners = [];
  let kept = {}, lasting = true;

  function load() {
    try { kept = JSON.parse(localStorage.getItem(key)) || {}; } catch (error) { lasting = error instanceof SyntaxError; }
    listeners.forEach((listener) => listener());
  }

  function save() {
    try {
      if (Object.keys(kept).length) { localStorage.setItem(key, JSON.stringify(kept)); } else { localStorage.removeItem(key); }
    } catch (error) { lasting = false; }
    listeners.forEach((listener) => listener());
  }

  // A double-quoted YAML scalar: JSON's escapes, and those of characters that YAML takes for line breaks or refuses.
  function quoted(text) {
    const code = (letter) => letter.codePointAt(0).toString(16);
    return JSON.stringify(text).replace(/[^\x20-\x7e\p{L}\p{M}\p{N}\p{P}\p{S}]/gu, (letter) =>
      code(letter).length > 4 ? `\\U${code(letter).padStart(8, "0")}` : `\\u${code(letter).padStart(4, "0")}`);
  }

  function yaml() {
    const names = Object.keys(kept).sort();
    const rejected = names.filter((scan) => kept[scan].verdict === "rejected");
    const accepted = names.filter((scan) => kept[scan].verdict === "accepted");
    return (rejected.length ? "overrides:\n" : "")
      + rejected.map((scan) => `  ${quoted(scan)}:\n    reject: ${quoted(kept[scan].reason)}\n`).join("")
      + accepted.map((scan) => `# accepted: ${quoted(scan)} ${kept[scan].reason ? quoted(kept[scan].reason) : ""}`.trim() + "\n").join("");
  }

  addEventListener("storage", (event) => { if (event.key === key) { load(); } });
  addEventListener("pageshow", load);
  return {
    key: key,
    of: (scan) => (Object.hasOwn(kept, scan) ? kept[scan] : null),
    count: () => Object.keys(kept).length,
    lasting: () => lasting,
    rate: function (scan, verdict, reason) {
      if (verdict) { kept[scan] = { verdict: verdict, reason: reason }; } else { delete kept[scan]; }
      save();
    },
    clear: function () { kept = {}; save(); },
    listen: (listener) => listeners.push(listener),
    yaml: yaml,
  };
})();

function button(label, title, action, style) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.title = title;
  made.className = style || "";
  made.addEventListener("click", action);
  return made;
}

function copy(text, from) {
  const said = (word) => { from.textContent = word; setTimeout(() => { from.textContent = "Copy"; }, 1500); };
  const byHand = function () {
    const field = document.createElement("textarea");
    field.value = text;
    from.after(field);
    field.select();
    said(document.execCommand("copy") ? "Copied" : "Press Ctrl+C");
    field.remove();
    from.focus();
  };
  if (navigator.clipboard) { navigator.clipboard.writeText(text).then(() => said("Copied"), byHand); } else { byHand(); }
}

// Buttons that rate one scan, and what it was rated.
function rater(scan, compact) {
  const box = document.createElement("span");
  const state = document.createElement("span");
  const rate = (verdict) => () => askReason(scan, verdict);
  const accept = button(compact ? "✓" : "✓ Accept", `Accept ${scan}`, rate("accepted"), "accept");
  const reject = button(compact ? "✕" : "✕ Reject …", `Reject ${scan}, with a reason`, rate("rejected"), "reject");
  const clear = button(compact ? "↺" : "↺ Clear", `Clear the rating of ${scan}`, () => ratings.rate(scan, null), "clear");
  [accept, reject, clear].forEach((each) => each.setAttribute("aria-label", each.title));
  box.className = "rater";
  box.append(accept, reject, clear, state);
  box.show = function () {
    const rating = ratings.of(scan);
    accept.setAttribute("aria-pressed", String(rating !== null && rating.verdict === "accepted"));
    reject.setAttribute("aria-pressed", String(rating !== null && rating.verdict === "rejected"));
    clear.hidden = rating === null;
    state.textContent = rating === null ? "" : (compact ? "" : `${rating.verdict}`) + (rating.reason ? `${compact ? "" : ": "}${rating.reason}` : "");
  };
  box.show();
  return box;
}

// A rejection needs a reason; an acceptance may have one.
function askReason(scan, verdict) {
  const dialog = document.getElementById("rating-dialog"), field = document.getElementById("rating-reason");
  const before = ratings.of(scan);
  dialog.querySelector("h2").textContent = verdict === "rejected" ? "Reject this scan" : "Accept this scan";
  dialog.querySelector("p").textContent = scan;
  field.value = before === null ? "" : before.reason;
  field.required = verdict === "rejected";
  dialog.querySelector("form").onsubmit = function (event) {
    if (event.submitter.value === "keep") { ratings.rate(scan, verdict, field.value.trim()); }
  };
  dialog.showModal();
}

(function () {
  const panel = document.getElementById("ratings"), text = document.getElementById("ratings-yaml");
  const field = document.getElementById("rating-reason");
  panel.querySelector(".controls").append(
    button("Copy", "Copy the settings", (event) => copy(text.value, event.currentTarget), "copy"),
    button("Clear all ratings", "Forget every rating", function () { if (confirm("Forget every rating of this study?")) { ratings.clear(); } }),
  );
  ratings.listen(function () {
    panel.hidden = ratings.count() === 0;
    panel.querySelector(".count").textContent = ratings.count();
    panel.querySelector(".fleeting").hidden = ratings.lasting();
    text.value = ratings.yaml();
    text.rows = Math.min(text.value.split("\n").length + 1, 20);
  });
  // Blanks alone are no reason.
  field.addEventListener("input", () => field.setCustomValidity(field.required && field.value && !field.value.trim() ? "Give a reason." : ""));
  document.querySelectorAll("code.command").forEach((code) =>
    code.after(" ", button("Copy", "Copy the command", (event) => copy(code.textContent, event.currentTarget), "copy")));
  // What is wider than its place is moved by the arrow keys.
  const places = new ResizeObserver((entries) => entries.forEach(function ({ target: place }) {
    if (place.scrollWidth <= place.clientWidth && place.scrollHeight <= place.clientHeight) { place.removeAttribute("tabindex"); return; }
    place.tabIndex = 0;
    if (place.matches("nav")) { return; }
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", place.querySelector("caption")?.firstChild.textContent.trim() || "Figure");
  }));
  document.querySelectorAll(".scroll, .wide-figure").forEach((place) => places.observe(place));
  // What a link leads to may lie in a folded part.
  const unfold = function () {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && target.closest("details");
    if (folded && !folded.open) { folded.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", unfold);
  unfold();
})();
