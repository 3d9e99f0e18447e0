// The interactive spectrum of a scan.
const minus = (text) => text.replace("-", "\u2212");
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
const most = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);

function svgNode(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

// Path through the points in view and one beyond, without those on a level stretch. With a `floor` it is the outline
// of an area down to that, as far as the area can be seen.
function pathThrough(x, y, from, to, floor) {
  const high = (n) => floor === undefined || Math.abs(y[n] - floor) > 0.3;
  let begin = Math.max(x.findIndex((value) => value >= from) - 1, 0);
  let end = Math.min(x.findLastIndex((value) => value <= to) + 1, x.length - 1);
  while (begin < end && !high(begin)) { begin += 1; }
  while (end > begin && !high(end)) { end -= 1; }
  if (begin === end) { return ""; }
  const point = (n) => `${x[n].toFixed(2)} ${y[n].toFixed(2)}`;
  const points = [point(begin)];
  for (let n = begin + 1, kept = begin; n <= end; n += 1) {
    if (n === end || Math.abs(y[n] - y[kept]) >= 0.05 || Math.abs(y[n + 1] - y[n]) >= 0.05) { points.push(point(n)); kept = n; }
  }
  const foot = floor === undefined ? "" : `L${x[end].toFixed(2)} ${floor.toFixed(2)}L${x[begin].toFixed(2)} ${floor.toFixed(2)}z`;
  return `M${points.join("L")}${foot}`;
}

class Spectrum {
  constructor(figure) {
    this.figure = figure;
    this.svg = figure.querySelector("svg");
    this.gain = figure.querySelector(".gain");
    this.given = JSON.parse(figure.dataset.signal);
    this.signals = scanSignals(this.given);
    const read = (name) => Number(this.svg.dataset[name]);
    Object.assign(this, { left: read("left"), top: read("top"), main: read("main"), bottom: read("bottom") });
    this.position = null;
    this.labels = Array.from(this.svg.querySelectorAll("g.peak"));
    this.note = this.svg.querySelector(".enlarged");
    this.measure();
    this.process();
  }

  get setting() {
    const value = (name) => this.figure.querySelector(`.${name}`).value;
    return { view: value("view"), broadening: Number(value("broadening")), zero: Number(value("zero-order")),
      first: Number(value("first-order")) * 1e-6 };
  }

  // The drawing is as wide as its place, so that its letters keep their size.
  measure() {
    const width = clamp(Math.round(this.svg.parentElement.clientWidth) || 1000, 300, 1200);
    this.right = width - this.left;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${this.bottom + 48}`);
    this.svg.querySelectorAll(".across").forEach((part) =>
      part.setAttribute(part.tagName === "line" ? "x2" : "width", this.right - (part.tagName === "line" ? 0 : this.left)));
    this.svg.querySelector(".axis-title").setAttribute("x", width / 2);
  }

  // Curves anew from the controls; the range in view stays unless the axis is another one.
  process() {
    const setting = this.setting, axis = setting.view === "fid" ? "time" : "shift";
    this.curves = shownCurves(this.given, this.signals, setting);
    const x = this.curves.x;
    this.whole = axis === "time" ? { from: 0, to: x[x.length - 1] } : { from: this.given.high, to: this.given.low };
    if (this.axis !== axis) {
      this.axis = axis;
      this.view = { ...this.whole };
      this.gain.value = 1;
      this.svg.querySelector(".axis-title").textContent = axis === "time" ? "Time (ms)" : "Chemical shift (ppm, PCr = 0)";
    }
    this.figure.querySelectorAll(".of-shift").forEach((part) => part.classList.toggle("of-other-view", axis === "time"));
    const fixed = { ".zero-order": setting.view === "magnitude", ".first-order": setting.view === "magnitude" || axis === "time" };
    Object.entries(fixed).forEach(([name, off]) => { this.figure.querySelector(name).disabled = off; });
    const degrees = 360 * setting.first * this.given.mhz;
    const said = { broadening: `${setting.broadening} Hz`, "zero-order": minus(`${setting.zero}°`),
      "first-order": minus(`${(setting.first * 1e6).toFixed(0)} µs = ${degrees.toFixed(1)}°/ppm`) };
    Object.entries(said).forEach(([name, text]) => { this.figure.querySelector(`.${name} + output`).textContent = text; });
    this.draw();
  }

  toX(value) { return this.left + (value - this.view.from) / (this.view.to - this.view.from) * (this.right - this.left); }
  toValue(x) { return this.view.from + (x - this.left) / (this.right - this.left) * (this.view.to - this.view.from); }
  inView(value) { return (value - this.view.from) * (value - this.view.to) <= 0; }

  ticks() {
    const { from, to } = this.view, low = Math.min(from, to), high = Math.max(from, to);
    const raw = (high - low) / Math.max(this.right / 66, 4), power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= raw * (1 - 1e-9));
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const values = [];
    for (let n = Math.ceil(low / step - 1e-9); n <= high / step + 1e-9; n += 1) { values.push(n * step); }
    if (from > to) { values.reverse(); }
    this.svg.querySelector("g.ticks").replaceChildren(...values.flatMap((value) => {
      const x = this.toX(value).toFixed(2);
      const label = svgNode("text", { x: x, y: this.bottom + 19, class: "tick middle" });
      label.textContent = minus((value + 0).toFixed(decimals));
      return [svgNode("line", { x1: x, x2: x, y1: this.top, y2: this.bottom + 5, class: "grid" }), label];
    }));
  }

  draw() {
    const { x, data, fit, lines } = this.curves, fitted = lines.length > 0;
    const high = most(fitted ? [most(data), most(fit)] : data), low = Math.min(0, least(data), fitted ? least(fit) : 0);
    const pad = 0.03 * (high - low) || 1, gain = Number(this.gain.value);
    // Above the highest peak there is room for its label.
    const headroom = this.axis === "time" ? 10 : 62;
    this.unit = (this.main - this.top - headroom) / (high - low + pad);
    this.zero = this.main + (low - pad) * this.unit;
    const places = x.map((value) => this.toX(value));
    // From left to right, whichever way the axis runs.
    const across = (values) => (this.axis === "time" ? values : values.slice().reverse());
    const put = (selector, values, zero, unit, filled) => this.svg.querySelectorAll(selector).forEach((path) =>
      path.setAttribute("d", pathThrough(across(places), across(values.map((value) => zero - value * unit)), this.left, this.right,
        filled ? zero : undefined)));
    put("path.data", data, this.zero, gain * this.unit);
    this.svg.querySelectorAll("line.zero")[0].setAttribute("y1", this.zero);
    this.svg.querySelectorAll("line.zero")[0].setAttribute("y2", this.zero);
    if (fitted) {
      put("path.fit", fit, this.zero, gain * this.unit);
      lines.forEach((line, index) => put(`[data-part="component-${index}"] path`, line, this.zero, gain * this.unit, true));
      this.drawResidual(put, gain);
    }
    this.drawLabels(gain);
    this.ticks();
    if (this.position !== null) { this.point(this.position); }
  }

  // The largest residual in view, and the noise, fill the panel.
  drawResidual(put, gain) {
    const { x, residual, noise } = this.curves, middle = this.bottom - 55;
    const seen = residual.filter((_, n) => this.inView(x[n]));
    const reach = Math.max(most(seen.map(Math.abs)), 2.5 * noise) || 1;
    const unit = 48 / reach;
    put("path.residual", residual, middle, unit);
    const band = this.svg.querySelector(".noise");
    band.setAttribute("y", middle - 2 * noise * unit);
    band.setAttribute("height", 4 * noise * unit);
    const times = unit / (gain * this.unit);
    this.note.textContent = `residual × ${times >= 10 ? times.toFixed(0) : times.toPrecision(2)}`;
  }

  // Labels above their peaks, lifted where they would overlap; what leaves the panel stays at its upper edge.
  drawLabels(gain) {
    const { x, data, fit } = this.curves, taken = [];
    this.labels.forEach((label) => {
      const ppm = Number(label.dataset.ppm), outside = this.axis === "time" || !this.inView(ppm);
      label.classList.toggle("outside", outside);
      if (outside) { return; }
      const near = (values) => values.filter((_, n) => Math.abs(x[n] - ppm) < 0.5);
      const peak = clamp(this.zero - gain * this.unit * Math.max(most(near(data)), most(near(fit))), this.top + 20, this.zero);
      const texts = Array.from(label.querySelectorAll("text")), height = 16 * texts.length;
      const half = Math.max(...texts.map((text) => 8.5 * text.textContent.length)) / 2 + 2;
      const at = clamp(this.toX(ppm), this.left + half, this.right - half);
      let foot = peak - 12;
      const clash = () => taken.find((other) => Math.abs(other.at - at) < half + other.half
        && foot > other.foot - other.height && foot - height < other.foot);
      for (let other = clash(); other; other = clash()) { foot = other.foot - other.height - 1; }
      foot = Math.max(foot, this.top + height);
      taken.push({ at: at, half: half, foot: foot, height: height });
      texts.forEach((text, index) => {
        text.setAttribute("x", at - this.toX(ppm));
        text.setAttribute("y", foot - 16 * (texts.length - 1 - index) - 2);
      });
      const leader = label.querySelector(".leader");
      leader.setAttribute("y1", Math.min(foot + 2, peak - 2));
      leader.setAttribute("y2", peak - 2);
      label.setAttribute("transform", `translate(${this.toX(ppm).toFixed(2)} 0)`);
    });
  }

  point(x) {
    this.position = clamp(x, this.left, this.right);
    const cursor = this.svg.querySelector(".cursor"), value = this.toValue(this.position);
    cursor.setAttribute("x1", this.position);
    cursor.setAttribute("x2", this.position);
    cursor.classList.add("seen");
    this.figure.querySelector(".readout").textContent = this.axis === "time" ? `${value.toFixed(2)} ms after the first sample`
      : `${minus(value.toFixed(3))} ppm \u00b7 ${minus((value * this.given.mhz).toFixed(1))} Hz from PCr`;
  }

  // Vertical scale at which the highest signal in view reaches the height of the highest of all.
  fill() {
    const { x, data, fit } = this.curves, size = (values) => most(values.map(Math.abs));
    const shown = this.labels.length ? fit : data;
    const seen = shown.filter((_, n) => this.inView(x[n]));
    this.gain.value = seen.length && size(seen) > 0 ? size(shown) / size(seen) : 1;
  }

  zoom(first, second) {
    const [a, b] = [Math.min(first, second), Math.max(first, second)].map((x) => this.toValue(clamp(x, this.left, this.right)));
    if (Math.abs(b - a) >= 0.05) { this.view = { from: a, to: b }; }
    this.fill();
    this.draw();
  }

  // Half of the range in view, about the read-out.
  zoomIn(here) {
    const quarter = (this.right - this.left) / 4, middle = clamp(here, this.left + quarter, this.right - quarter);
    const kept = this.toValue(here);
    this.zoom(middle - quarter, middle + quarter);
    this.point(this.toX(kept));
  }

  reset() {
    this.view = { ...this.whole };
    this.gain.value = 1;
    this.draw();
  }
}

function listen(spectrum) {
  const { figure, svg, gain } = spectrum, stage = figure.querySelector(".stage"), selection = svg.querySelector(".drag");
  const toDrawing = function (event) {
    const box = svg.getBoundingClientRect();
    return (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
  };
  const select = function (from, to) {
    selection.setAttribute("x", Math.min(from, to));
    selection.setAttribute("width", Math.abs(to - from));
  };
  let start = null;

  svg.addEventListener("pointerdown", function (event) {
    if (event.button !== 0) { return; }
    start = clamp(toDrawing(event), spectrum.left, spectrum.right);
    svg.setPointerCapture(event.pointerId);
    spectrum.point(start);
  });
  svg.addEventListener("pointermove", function (event) {
    spectrum.point(toDrawing(event));
    if (start !== null) { select(start, spectrum.position); }
  });
  svg.addEventListener("pointerup", function (event) {
    if (start === null) { return; }
    const end = toDrawing(event), from = start;
    start = null;
    select(spectrum.left, spectrum.left);
    if (Math.abs(end - from) > 6) { spectrum.zoom(from, end); }
  });
  svg.addEventListener("pointercancel", function () { start = null; select(spectrum.left, spectrum.left); });
  svg.addEventListener("dblclick", () => spectrum.reset());
  gain.addEventListener("input", () => spectrum.draw());
  figure.querySelector(".reset").addEventListener("click", () => spectrum.reset());
  figure.querySelector(".display").addEventListener("input", () => spectrum.process());
  figure.querySelector(".undo").addEventListener("click", function () {
    figure.querySelectorAll(".display input").forEach((control) => { control.value = 0; });
    spectrum.process();
  });

  stage.addEventListener("keydown", function (event) {
    const step = event.shiftKey ? 10 : 1;
    const here = spectrum.position === null ? (spectrum.left + spectrum.right) / 2 : spectrum.position;
    const actions = {
      ArrowLeft: () => spectrum.point(here - step),
      ArrowRight: () => spectrum.point(here + step),
      "+": () => { gain.stepUp(1); spectrum.draw(); },
      "-": () => { gain.stepDown(1); spectrum.draw(); },
      z: () => spectrum.zoomIn(here),
      Escape: () => spectrum.reset(),
    };
    if (Object.hasOwn(actions, event.key)) { event.preventDefault(); actions[event.key](); }
  });

  figure.querySelectorAll(".toggles input").forEach(function (box) {
    box.addEventListener("change", function () {
      svg.querySelectorAll(`[data-part="${box.value}"]`).forEach((part) => part.classList.toggle("off", !box.checked));
    });
  });
  new ResizeObserver(function () { spectrum.measure(); spectrum.draw(); }).observe(stage);
}

document.querySelectorAll("figure.spectrum").forEach(function (figure) {
  const spectrum = new Spectrum(figure);
  listen(spectrum);
  listenToExports(spectrum);
});
