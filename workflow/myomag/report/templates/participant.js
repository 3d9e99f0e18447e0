document.querySelectorAll("figure.spectrum").forEach(function (figure) {
  const svg = figure.querySelector("svg");
  const stage = figure.querySelector(".stage");
  const gain = figure.querySelector(".gain");
  const readout = figure.querySelector(".readout");
  const cursor = svg.querySelector(".cursor");
  const selection = svg.querySelector(".drag");
  const read = (name) => Number(svg.dataset[name]);
  const high = read("high"), low = read("low"), left = read("left"), right = read("right");
  const top = read("top"), bottom = read("bottom"), mhz = read("mhz");
  const view = { high: high, low: low };
  let position = null, start = null;

  const minus = (text) => text.replace("-", "\u2212");
  const toPpm = (x) => view.high - (x - left) / (right - left) * (view.high - view.low);
  const toX = (ppm) => left + (view.high - ppm) / (view.high - view.low) * (right - left);
  const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
  const node = function (tag, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    return made;
  };

  function drawTicks() {
    const raw = (view.high - view.low) / 15;
    const power = Math.pow(10, Math.floor(Math.log10(raw)));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= raw * (1 - 1e-9));
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const group = svg.querySelector("g.ticks");
    group.replaceChildren();
    for (let index = Math.floor(view.high / step + 1e-9); index >= view.low / step - 1e-9; index -= 1) {
      const x = toX(index * step).toFixed(2);
      group.append(node("line", { x1: x, x2: x, y1: top, y2: bottom + 5, class: "grid" }));
      const label = node("text", { x: x, y: bottom + 19, class: "tick middle" });
      label.textContent = minus((index * step + 0).toFixed(decimals));
      group.append(label);
    }
  }

  function draw() {
    const scale = (high - low) / (view.high - view.low), k = Number(gain.value);
    const shift = left - (left + (high - view.high) / (high - low) * (right - left)) * scale;
    let zero = bottom;
    svg.querySelectorAll("g.curves").forEach(function (group, index) {
      const base = Number(group.dataset.base);
      zero = index === 0 ? base : zero;
      group.setAttribute("transform", `matrix(${scale} 0 0 ${k} ${shift} ${base - k * base})`);
    });
    svg.querySelectorAll("g.peak").forEach(function (label) {
      const ppm = Number(label.dataset.ppm), peak = Number(label.dataset.peak), lift = Number(label.dataset.lift);
      const lowered = clamp(zero - k * (zero - peak) - peak, top + 13 - lift - peak, bottom);
      label.setAttribute("transform", `translate(${toX(ppm).toFixed(2)} ${lowered.toFixed(2)})`);
      label.classList.toggle("outside", ppm > view.high || ppm < view.low);
    });
    drawTicks();
  }

  function point(x) {
    position = clamp(x, left, right);
    cursor.setAttribute("x1", position);
    cursor.setAttribute("x2", position);
    cursor.style.visibility = "visible";
    const ppm = toPpm(position);
    readout.textContent = minus(`${ppm.toFixed(3)} ppm`) + minus(` \u00b7 ${(ppm * mhz).toFixed(1)} Hz from PCr`);
  }

  // Vertical scale at which the highest line in view reaches the height of the highest line of all.
  function fill() {
    const zero = Number(svg.querySelector("g.curves").dataset.base);
    const heights = (labels) => labels.map((label) => zero - Number(label.dataset.peak));
    const labels = Array.from(svg.querySelectorAll("g.peak"));
    const inside = labels.filter((label) => label.dataset.ppm <= view.high && label.dataset.ppm >= view.low);
    if (inside.length) { gain.value = Math.max(...heights(labels)) / Math.max(...heights(inside)); }
  }

  function zoom(first, second) {
    const from = toPpm(clamp(Math.min(first, second), left, right)), to = toPpm(clamp(Math.max(first, second), left, right));
    if (from - to >= 0.05) { view.high = from; view.low = to; }
    fill();
    draw();
  }

  // Half of the range in view, about the read-out.
  function zoomIn(here) {
    const quarter = (right - left) / 4;
    const middle = clamp(here, left + quarter, right - quarter);
    const kept = toPpm(here);
    zoom(middle - quarter, middle + quarter);
    point(toX(kept));
  }

  function reset() {
    view.high = high; view.low = low; gain.value = 1;
    draw();
  }

  const toDrawing = function (event) {
    const box = svg.getBoundingClientRect();
    return (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
  };
  const select = function (from, to) {
    selection.setAttribute("x", Math.min(from, to));
    selection.setAttribute("width", Math.abs(to - from));
  };

  svg.addEventListener("pointerdown", function (event) {
    if (event.button !== 0 || event.pointerType === "touch") { return; }
    start = clamp(toDrawing(event), left, right);
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", function (event) {
    point(toDrawing(event));
    if (start !== null) { select(start, position); }
  });
  svg.addEventListener("pointerup", function (event) {
    if (start === null) { return; }
    const end = toDrawing(event), from = start;
    start = null;
    select(left, left);
    if (Math.abs(end - from) > 6) { zoom(from, end); }
  });
  svg.addEventListener("pointercancel", function () { start = null; select(left, left); });
  svg.addEventListener("dblclick", reset);
  gain.addEventListener("input", draw);
  figure.querySelector(".reset").addEventListener("click", reset);

  stage.addEventListener("keydown", function (event) {
    const step = event.shiftKey ? 10 : 1;
    const here = position === null ? (left + right) / 2 : position;
    const actions = {
      ArrowLeft: () => point(here - step),
      ArrowRight: () => point(here + step),
      "+": () => { gain.stepUp(1); draw(); },
      "-": () => { gain.stepDown(1); draw(); },
      z: () => zoomIn(here),
      Escape: reset,
    };
    if (Object.hasOwn(actions, event.key)) { event.preventDefault(); actions[event.key](); }
  });

  figure.querySelectorAll(".toggles input").forEach(function (box) {
    box.addEventListener("change", function () {
      svg.querySelectorAll(`[data-part="${box.value}"]`).forEach((part) => part.classList.toggle("off", !box.checked));
    });
  });
});

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
