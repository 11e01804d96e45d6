// Axes, ticks and frames for the two charts: plain SVG, drawn anew when the width changes.

const MARGIN = { left: 62, right: 16, top: 12, bottom: 42 };

function linearTicks(low, high, wanted) {
  const rough = (high - low) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) || rough;
  const ticks = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; at += 1) ticks.push(Number((at * step).toPrecision(12)));
  return ticks;
}

function logTicks(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.max(1, Math.ceil((last - first) / 7));
  for (const factors of [[1], [1, 2, 5]]) {
    const ticks = [];
    for (let power = first; power <= last; power += every) ticks.push(...factors.map((factor) => Number(`${factor}e${power}`)));
    const inside = ticks.filter((tick) => tick >= low && tick <= high);
    if (inside.length >= 3) return inside;
  }
  return linearTicks(low, high, 4).filter((tick) => tick > 0);
}

// A scale: number -> pixel, with its ticks. Equal ends are moved apart, so that one value has a place.
// Of what is counted, only ``whole`` numbers within the values are ticks.
function scale(values, from, to, { log = false, pad = 0.04, wanted = 5, whole = false } = {}) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) [low, high] = log ? [1, 10] : [0, 1];
  const [least, most] = [low, high];
  if (log) {
    if (low === high) [low, high] = [low / 2, high * 2];
    const room = (high / low) ** pad;
    [low, high] = [low / room, high * room];
    const place = (value) => from + (Math.log(value / low) / Math.log(high / low)) * (to - from);
    return { place, ticks: logTicks(low, high) };
  }
  if (low === high) [low, high] = [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)];
  const room = (high - low) * pad;
  [low, high] = [low - room, high + room];
  const ticks = linearTicks(low, high, whole ? Math.min(wanted, Math.max(1, most - least)) : wanted)
    .filter((tick) => !whole || (Number.isInteger(tick) && tick >= least && tick <= most));
  return { place: (value) => from + ((value - low) / (high - low)) * (to - from), ticks };
}

function chartFrame(figure, label) {
  const width = Math.max(260, figure.clientWidth);
  const height = Math.round(Math.min(440, Math.max(260, width * 0.6)));
  const svg = makeSvg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": label });
  return { svg, width, height, right: width - MARGIN.right, bottom: height - MARGIN.bottom };
}

function drawAxes(frame, across, down, acrossName, downName) {
  const { svg, right, bottom, height } = frame;
  const axes = makeSvg("g", { class: "axes", "aria-hidden": "true" });
  const middle = (MARGIN.left + right) / 2;
  for (const tick of across.ticks) {
    const x = across.place(tick);
    axes.append(makeSvg("path", { d: `M${x} ${MARGIN.top}V${bottom}` }));
    axes.append(makeSvg("text", { x, y: bottom + 16, "text-anchor": "middle" }, numberText(tick)));
  }
  for (const tick of down.ticks) {
    const y = down.place(tick);
    axes.append(makeSvg("path", { d: `M${MARGIN.left} ${y}H${right}` }));
    axes.append(makeSvg("text", { x: MARGIN.left - 7, y: y + 4, "text-anchor": "end" }, numberText(tick)));
  }
  axes.append(makeSvg("text", { x: middle, y: height - 6, "text-anchor": "middle", class: "axis-title" }, acrossName));
  const y = (MARGIN.top + bottom) / 2;
  axes.append(makeSvg("text", { x: 13, y, "text-anchor": "middle", class: "axis-title", transform: `rotate(-90 13 ${y})` }, downName));
  svg.append(axes);
}

// Draw now, and again when the width has changed.
function redrawnWithWidth(figure, draw) {
  let width = figure.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(figure.clientWidth - width) < 2) return;
    width = figure.clientWidth;
    draw();
  }).observe(figure);
  draw();
}
