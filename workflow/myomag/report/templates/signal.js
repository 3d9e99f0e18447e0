// Signals of a scan as the page carries them, and their transforms. A signal is {re, im}, the physicist's sign.
function complexSamples(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const values = new Float32Array(bytes.buffer);
  return { re: Float64Array.from(values.filter((_, index) => index % 2 === 0)),
    im: Float64Array.from(values.filter((_, index) => index % 2 === 1)) };
}

const zeros = (count) => ({ re: new Float64Array(count), im: new Float64Array(count) });

// Sum of a·x over pairs [a, x] of signals of one length.
function combined(pairs, count) {
  const sum = zeros(count);
  pairs.forEach(([factor, signal]) => {
    for (let n = 0; n < count; n += 1) {
      sum.re[n] += factor * signal.re[n];
      sum.im[n] += factor * signal.im[n];
    }
  });
  return sum;
}

// FID of one line, from a time of `start` before its first sample [s].
function lineSignal(line, points, start, dwell, envelope, held) {
  const signal = zeros(points);
  for (let n = 0; n < points; n += 1) {
    const time = start + n * dwell;
    const decay = Math.exp(-line.decay * time - line.gauss * time * time);
    let re = 0, im = 0;
    line.hz.forEach((hz, index) => {
      const angle = 2 * Math.PI * hz * time + line.phase;
      re += line.amplitudes[index] * decay * Math.cos(angle);
      im += line.amplitudes[index] * decay * Math.sin(angle);
    });
    const at = Math.max(n - held, 0);
    const a = envelope ? envelope.re[at] : 1, b = envelope ? envelope.im[at] : 0;
    signal.re[n] = re * a - im * b;
    signal.im[n] = re * b + im * a;
  }
  return signal;
}

// The FID measured and the lines fitted to it, sampled alike; `missing` samples lie between time zero and the first.
function scanSignals(given) {
  const measured = complexSamples(given.fid), points = given.missing + measured.re.length;
  const envelope = given.envelope ? complexSamples(given.envelope) : null;
  const lines = given.lines.map((line) =>
    lineSignal(line, points, given.start, given.dwell, envelope, given.missing + given.skipped));
  const data = combined(lines.map((line) => [1, line]), points);
  data.re.set(measured.re, given.missing);
  data.im.set(measured.im, given.missing);
  return { data: data, fit: combined(lines.map((line) => [1, line]), points), lines: lines };
}

// Fourier transform in place, Σ s·exp(−i2πkn/N), N a power of two.
function transform(signal) {
  const { re, im } = signal, size = re.length;
  for (let i = 1, j = 0; i < size; i += 1) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) { j ^= bit; }
    j ^= bit;
    if (i < j) { [re[i], re[j]] = [re[j], re[i]]; [im[i], im[j]] = [im[j], im[i]]; }
  }
  for (let length = 2; length <= size; length *= 2) {
    const half = length / 2;
    for (let k = 0; k < half; k += 1) {
      const c = Math.cos(2 * Math.PI * k / length), s = -Math.sin(2 * Math.PI * k / length);
      for (let a = k; a < size; a += length) {
        const b = a + half, x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}

// What is shown: the whole curves of a view, as {x, data, fit, residual, lines, noise}.
// `broadening` [Hz] multiplies by exp(−π·broadening·t); a phase θ turns by exp(−iθ), θ = zero + 2πf·first.
function shownCurves(given, signals, display) {
  const cut = display.view === "phased" ? 0 : given.missing;
  const count = signals.data.re.length - cut, start = given.start + cut * given.dwell;
  const weights = Float64Array.from({ length: count }, (_, n) => Math.exp(-Math.PI * display.broadening * (start + n * given.dwell)));
  const measured = weights.subarray(given.missing - cut);
  const own = display.view === "phased" || display.view === "fid" ? given.phase : 0;
  const zero = own + display.zero * Math.PI / 180;
  const weighted = (signal, size) => {
    const made = zeros(size);
    for (let n = 0; n < count; n += 1) {
      made.re[n] = signal.re[n + cut] * weights[n];
      made.im[n] = signal.im[n + cut] * weights[n];
    }
    return made;
  };
  const turned = (re, im, angle) => re * Math.cos(angle) + im * Math.sin(angle);

  function inTime(signal) {
    const { re, im } = weighted(signal, count);
    return re.map((value, n) => turned(value, im[n], zero));
  }

  const step = 1 / (given.size * given.dwell), half = given.size / 2;
  const low = Math.max(Math.ceil(given.low * given.mhz / step - 1e-9), -half);
  const high = Math.min(Math.floor(given.high * given.mhz / step + 1e-9), half - 1);

  function inFrequency(signal) {
    const spectrum = weighted(signal, given.size);
    if (display.view === "phased") { spectrum.re[0] *= given.first; spectrum.im[0] *= given.first; }
    transform(spectrum);
    return Float64Array.from({ length: high - low + 1 }, (_, index) => {
      const k = (low + index + given.size) % given.size, hz = (low + index) * step;
      const time = display.first + (display.view === "phased" ? given.start : 0);
      return display.view === "magnitude" ? Math.hypot(spectrum.re[k], spectrum.im[k])
        : turned(spectrum.re[k], spectrum.im[k], zero + 2 * Math.PI * hz * time);
    });
  }

  const fid = display.view === "fid", curve = fid ? inTime : inFrequency;
  const data = curve(signals.data), fit = curve(signals.fit);
  return {
    x: fid ? Float64Array.from({ length: count }, (_, n) => 1e3 * n * given.dwell)
      : Float64Array.from({ length: high - low + 1 }, (_, index) => (low + index) * step / given.mhz),
    data: data,
    fit: fit,
    residual: data.map((value, n) => value - fit[n]),
    lines: signals.lines.map(curve),
    noise: given.noise * (fid ? 1 : Math.sqrt(measured.reduce((sum, value) => sum + value * value, 0))),
  };
}
