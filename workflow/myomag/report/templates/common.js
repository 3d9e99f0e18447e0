"use strict";
// Ratings of scans, kept by the browser and saved as a table; commands to copy.
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

  // On one line, without signs that end a cell; an apostrophe keeps a spreadsheet from taking it for a formula.
  function cell(text) {
    const line = text.replace(/[\s\p{Cc}]+/gu, " ").trim();
    return /^[=+\-@'"＝＋－＠]/.test(line) ? `'${line}` : line || "n/a";
  }

  // A rating that was cleared after it was saved has a row too, which withdraws it.
  function tsv() {
    const words = { accepted: "accept", rejected: "reject" };
    const rows = Object.keys(kept).sort().map((scan) =>
      [scan, ...(kept[scan] ? [words[kept[scan].verdict], cell(kept[scan].reason)] : ["n/a", "n/a"])]);
    return [["scan", "rating", "reason"], ...rows].map((row) => `${row.join("\t")}\n`).join("");
  }

  function saved() {
    Object.values(kept).filter(Boolean).forEach((rating) => { rating.saved = true; });
    save();
  }

  addEventListener("storage", (event) => { if (event.key === key) { load(); } });
  addEventListener("pageshow", load);
  return {
    key: key,
    of: (scan) => (Object.hasOwn(kept, scan) ? kept[scan] : null),
    count: () => Object.values(kept).filter(Boolean).length,
    any: () => Object.keys(kept).length > 0,
    lasting: () => lasting,
    rate: function (scan, verdict, reason) {
      const stored = Object.hasOwn(kept, scan) && (kept[scan] === null || kept[scan].saved === true);
      if (verdict) { kept[scan] = { verdict: verdict, reason: reason, saved: stored }; } else if (stored) { kept[scan] = null; } else { delete kept[scan]; }
      save();
    },
    clear: function () { kept = {}; save(); },
    listen: (listener) => listeners.push(listener),
    tsv: tsv,
    saved: saved,
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

function download(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
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
  const before = ratings.of(scan), word = verdict === "rejected" ? "Reject" : "Accept";
  dialog.querySelector("h2").textContent = `${word} this scan`;
  dialog.querySelector("p").textContent = scan;
  dialog.querySelector("[value=rate]").textContent = word;
  dialog.querySelector("label span").textContent = verdict === "rejected" ? "Reason" : "Reason (optional)";
  field.value = before === null ? "" : before.reason;
  field.required = verdict === "rejected";
  dialog.querySelector("form").onsubmit = function (event) {
    if (event.submitter.value === "rate") { ratings.rate(scan, verdict, field.value.trim()); }
  };
  dialog.showModal();
}

(function () {
  const panel = document.getElementById("ratings"), initials = document.getElementById("rater-name");
  const field = document.getElementById("rating-reason"), NAME = "myomag rater";
  try { initials.value = localStorage.getItem(NAME) || ""; } catch (error) { initials.value = ""; }
  panel.querySelector("form").addEventListener("submit", function (event) {
    event.preventDefault();
    try { localStorage.setItem(NAME, initials.value); } catch (error) { panel.querySelector(".fleeting").hidden = false; }
    download(`${initials.value}.tsv`, ratings.tsv(), "text/tab-separated-values");
    ratings.saved();
    panel.querySelector("output").textContent = `Saved as ${initials.value}.tsv.`;
  });
  panel.querySelector(".controls").append(button("Clear all ratings", "Forget every rating on this page", function () {
    if (confirm("Forget every rating that this browser keeps of this study? Files that you saved stay.")) { ratings.clear(); }
  }));
  ratings.listen(function () {
    panel.hidden = !ratings.any();
    panel.querySelector(".count").textContent = ratings.count();
    panel.querySelector(".fleeting").hidden = ratings.lasting();
    panel.querySelector("output").textContent = "";
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
