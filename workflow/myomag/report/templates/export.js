// Files of what the page shows of a scan: CSV, SVG and NIfTI-MRS.
// Whole curves of the view, one row per point.
function viewCsv(spectrum) {
  const { x, data, fit, residual, lines } = spectrum.curves, fitted = lines.length > 0;
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const names = [spectrum.axis === "time" ? "time_ms" : "shift_ppm", "data", ...(fitted ? ["fit", "residual"] : []),
    ...spectrum.given.lines.map((line) => quoted(line.name))];
  const columns = [data, ...(fitted ? [fit, residual] : []), ...lines];
  const rows = Array.from(x, (value, n) => [value.toFixed(5), ...columns.map((column) => column[n].toPrecision(7))].join(","));
  return `${names.join(",")}\n${rows.join("\n")}\n`;
}

// The drawing in light colours with its style written into it, for programs that know no style sheets.
function viewSvg(spectrum) {
  const style = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-weight",
    "text-anchor", "paint-order", "vector-effect", "display", "visibility"];
  const drawing = spectrum.svg, made = drawing.cloneNode(true);
  const from = [drawing, ...drawing.querySelectorAll("*")], to = [made, ...made.querySelectorAll("*")];
  drawing.classList.add("light");
  from.forEach(function (part, index) {
    const computed = getComputedStyle(part);
    if (part !== drawing) { style.forEach((name) => to[index].setAttribute(name, computed.getPropertyValue(name))); }
  });
  drawing.classList.remove("light");
  made.querySelectorAll(".cursor, .drag").forEach((part) => part.remove());
  const { width, height } = drawing.viewBox.baseVal;
  made.prepend(svgNode("rect", { width: width, height: height, fill: "#fff" }));
  made.setAttribute("width", width);
  made.setAttribute("height", height);
  return new XMLSerializer().serializeToString(made);
}

// FIDs of data, fit, residual and lines along the fifth dimension: NIfTI-2, complex64, NIfTI-MRS 0.11, whose sign is the
// other one.
function niftiMrs(spectrum) {
  const { given, signals } = spectrum, fitted = given.lines.length > 0;
  const residual = combined([[1, signals.data], [-1, signals.fit]], signals.data.re.length);
  const parts = [signals.data, ...(fitted ? [signals.fit, residual, ...signals.lines] : [])];
  const names = ["data", ...(fitted ? ["fit", "residual", ...given.lines.map((line) => line.name)] : [])];
  const points = signals.data.re.length - given.missing;
  const fields = { SpectrometerFrequency: [given.mhz], ResonantNucleus: ["31P"], SpectralWidth: 1 / given.dwell };
  if (fitted) {
    Object.assign(fields, { AcquisitionStartTime: given.start + given.missing * given.dwell, dim_5: "DIM_USER_0",
      dim_5_info: "signals", dim_5_header: { Signal: { Value: names, Description: "data, fit, residual, lines" } } });
  }
  const json = new TextEncoder().encode(JSON.stringify(fields));
  const extension = 16 * Math.ceil((json.length + 8) / 16), offset = 544 + extension;
  const bytes = new Uint8Array(offset + 8 * points * parts.length), file = new DataView(bytes.buffer);
  const integer = (at, value) => file.setInt32(at, value, true);
  const long = (at, value) => file.setBigInt64(at, BigInt(value), true);
  const real = (at, value) => file.setFloat64(at, value, true);
  const ascii = (at, text) => bytes.set(new TextEncoder().encode(text), at);
  integer(0, 540);
  ascii(4, "n+2\0\r\n\x1a\n");
  file.setInt16(12, 32, true);
  file.setInt16(14, 64, true);
  [fitted ? 5 : 4, 1, 1, 1, points, parts.length, 1, 1].forEach((value, n) => long(16 + 8 * n, value));
  [1, 10000, 10000, 10000, given.dwell, 1, 1, 1].forEach((value, n) => real(104 + 8 * n, value));
  long(168, offset);
  real(176, 1);
  integer(348, 2);
  [400, 440, 480].forEach((at) => real(at, 10000));
  integer(500, 10);
  ascii(508, "mrs_v0_11");
  bytes[540] = 1;
  integer(544, extension);
  integer(548, 44);
  bytes.set(json, 552);
  parts.forEach(function (signal, part) {
    for (let n = 0; n < points; n += 1) {
      const at = offset + 8 * (part * points + n);
      file.setFloat32(at, signal.re[n + given.missing], true);
      file.setFloat32(at + 4, -signal.im[n + given.missing], true);
    }
  });
  return bytes;
}

function listenToExports(spectrum) {
  const scan = spectrum.figure.dataset.scan.replace(/[^\w.-]/g, "-");
  const shown = function () {
    const { view, broadening, zero, first } = spectrum.setting;
    const changes = [broadening && `lb${broadening}Hz`, zero && `zero${zero}deg`, first && `first${(first * 1e6).toFixed(0)}us`];
    return [scan, view, ...changes.filter(Boolean)].join("_");
  };
  const files = {
    csv: () => download(`${shown()}.csv`, viewCsv(spectrum), "text/csv"),
    svg: () => download(`${shown()}.svg`, viewSvg(spectrum), "image/svg+xml"),
    nifti: () => download(`${scan}_fit.nii`, niftiMrs(spectrum), "application/octet-stream"),
  };
  spectrum.figure.querySelectorAll(".save").forEach((each) => each.addEventListener("click", files[each.value]));
}
