// Parallel coordinates (Inselberg 1985): an axis for each setting that varies and for each measure, and every run
// a line across them. A stretch of an axis that is marked becomes a comparison in the page's filter, which is
// the only place where it is kept: what is typed there is marked here, too.

const [MOST_SETTING_AXES, MOST_MEASURE_AXES] = [6, 8]; // all of them stand in the table
const [AXIS_APART, AXIS_MARGIN, AXIS_TOP, AXIS_BOTTOM, AXES_HEIGHT] = [112, 56, 34, 16, 340]; // pixels
const AXIS_REACH = 11; // pixels at each side of an axis where a pointer may mark it
const LOG_FROM = 30; // times the least value: then equal ratios are of more interest than equal differences
const MARK_DIGITS = 3;
const parallel = { axes: [] };

function parallelAxes() {
  const many = (values) => new Set(values.filter((value) => value !== undefined && value !== null).map(keyOf)).size > 1;
  const settings = TELLING.filter((name) => many(CHARTED.map((run) => run.settings[name])))
    .map((name) => ({ name, title: shortName(name), value: (run) => run.settings[name], isMeasure: false }));
  const measures = DATA.measures.map(({ name }) => name)
    .filter((name) => !name.includes("/") && many(CHARTED.map((run) => measureOf(run, name))))
    .map((name) => ({ name, title: measureName(name), value: (run) => measureOf(run, name) ?? undefined, isMeasure: true }));
  return [...settings.slice(0, MOST_SETTING_AXES), ...measures.slice(0, MOST_MEASURE_AXES)].map(withPlaces);
}

// An axis of numbers has ``place`` (value -> pixel), ``valueAt`` (pixel -> value) and ticks, one of names only places.
function withPlaces(axis) {
  const [low, high] = [AXES_HEIGHT - AXIS_BOTTOM, AXIS_TOP];
  const values = CHARTED.map(axis.value).filter((value) => value !== undefined);
  if (!values.every((value) => typeof value === "number")) {
    const keys = valuesOf(axis.name, CHARTED).filter((value) => value !== undefined);
    const at = (index) => low + ((index + 0.5) / keys.length) * (high - low);
    const places = new Map(keys.map((value, index) => [keyOf(value), at(index)]));
    return { ...axis, place: (value) => places.get(keyOf(value)), ticks: keys.map((value) => [value, labelText(axis.name, value)]) };
  }
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const log = least > 0 && most / least >= LOG_FROM;
  const [into, back] = log ? [Math.log, Math.exp] : [(value) => value, (value) => value];
  const [from, to] = [into(least), into(most)];
  const place = (value) => low + ((into(value) - from) / (to - from)) * (high - low);
  const valueAt = (pixel) => back(from + Math.min(1, Math.max(0, (pixel - low) / (high - low))) * (to - from));
  const ticks = (log ? logTicks(least, most) : linearTicks(least, most, 5)).map((value) => [value, axis.isMeasure ? measureText(axis.name, value) : numberText(value)]);
  // "steps" may be a setting and a measure; the filter takes it for the setting
  const canMark = filter.understands(axis.name) && !(axis.isMeasure && SETTINGS.includes(axis.name));
  return { ...axis, place, valueAt, ticks, canMark };
}

function drawParallel() {
  const figure = byId("parallel-chart");
  const { axes } = parallel;
  const apart = Math.max(AXIS_APART, (figure.clientWidth - 2 * AXIS_MARGIN) / (axes.length - 1));
  const width = Math.floor(2 * AXIS_MARGIN + apart * (axes.length - 1));
  const across = (index) => AXIS_MARGIN + apart * index;
  const svg = makeSvg("svg", { viewBox: `0 0 ${width} ${AXES_HEIGHT}`, width, height: AXES_HEIGHT, role: "group", "aria-label": "Settings and measures of every run", css: { width: `${width}px` } });
  const shown = new Set(shared.shown);
  const colors = coloring(shared.shown.filter((run) => CHARTED.includes(run)));
  // those that pass the filter over those that do not
  for (const run of [...CHARTED].sort((a, b) => shown.has(a) - shown.has(b))) {
    svg.append(threadOf(run, axes.map((axis, index) => [across(index), axis.value(run) === undefined ? null : axis.place(axis.value(run))]), shown.has(run) ? colors.of(run) : null));
  }
  axes.forEach((axis, index) => svg.append(axisOf(axis, across(index), Math.floor(apart / LETTER))));
  const scrolled = figure.firstChild?.scrollLeft || 0;
  figure.replaceChildren(make("div", { class: "parallel" }, svg), legendList(colors.legend));
  figure.firstChild.scrollLeft = scrolled;
  parallel.settle();
}

// The line of a run; where a value is missing, it has a gap. Without a ``color`` it is only a background.
function threadOf(run, points, color) {
  const d = points.map(([x, y], index) => (y === null ? "" : `${index && points[index - 1][1] !== null ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`)).join("");
  if (color === null) return makeSvg("path", { class: "thread out", d, "aria-hidden": "true" });
  const line = makeSvg("g", {
    class: "thread", tabindex: -1, role: "button", "aria-label": `${runText(run)}. Enlarge`,
    on: {
      click: () => openViewer(run),
      keydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); openViewer(run); } },
    },
  }, makeSvg("path", { d, class: "reach" }), makeSvg("path", { d, class: "line", css: { stroke: color } }));
  hasTip(line, run);
  return lights(line, run);
}

function axisOf(axis, x, letters) {
  const [top, bottom] = [AXIS_TOP, AXES_HEIGHT - AXIS_BOTTOM];
  const title = axis.title.length > letters ? `${axis.title.slice(0, letters - 1)}…` : axis.title;
  const group = makeSvg("g", { class: `parallel-axis${axis.canMark ? " can-mark" : ""}`, "aria-hidden": "true", "data-axis": axis.name },
    makeSvg("text", { x, y: 14, "text-anchor": "middle", class: "axis-title" }, title, makeSvg("title", {}, axis.name)),
    makeSvg("path", { d: `M${x} ${top}V${bottom}` }),
    axis.ticks.map(([value, text]) => makeSvg("text", { x: x + 5, y: axis.place(value) + 4 }, shortened(text).slice(0, letters))));
  if (!axis.canMark) return group;
  const mark = makeSvg("rect", { class: "mark", x: x - 6, width: 12, rx: 3 });
  const show = (one, other) => {
    mark.setAttribute("y", Math.min(one, other));
    mark.setAttribute("height", Math.max(2, Math.abs(one - other)));
    mark.setAttribute("visibility", "visible");
  };
  const range = filter.rangeOf(axis.name);
  mark.setAttribute("visibility", "hidden");
  const placeInside = (value) => axis.place(Math.min(axis.valueAt(top), Math.max(axis.valueAt(bottom), value)));
  if (range) show(...range.map(placeInside));
  const strip = makeSvg("rect", { class: "strip", x: x - AXIS_REACH, y: top - 6, width: 2 * AXIS_REACH, height: bottom - top + 12 });
  const pixelOf = (event) => {
    const box = strip.ownerSVGElement.getBoundingClientRect();
    return Math.min(bottom, Math.max(top, (event.clientY - box.top) * AXES_HEIGHT / box.height));
  };
  // up to the end of an axis, a stretch is open
  const rounded = (pixel) => Number(axis.valueAt(pixel).toPrecision(MARK_DIGITS));
  const lowest = (pixel) => (pixel >= bottom ? -Infinity : rounded(pixel));
  const highest = (pixel) => (pixel <= top ? Infinity : rounded(pixel));
  let begun = null;
  strip.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    begun = pixelOf(event);
    strip.setPointerCapture(event.pointerId);
  });
  strip.addEventListener("pointermove", (event) => { if (begun !== null) show(begun, pixelOf(event)); });
  strip.addEventListener("pointercancel", () => { begun = null; drawParallel(); });
  strip.addEventListener("pointerup", (event) => {
    if (begun === null) return;
    const ends = [begun, pixelOf(event)];
    begun = null;
    drawParallel(); // whatever comes of it
    if (Math.abs(ends[0] - ends[1]) < 4) filter.narrow(axis.name, null); // a click takes the mark away
    else filter.narrow(axis.name, [lowest(Math.max(...ends)), highest(Math.min(...ends))]);
  });
  group.append(mark, strip);
  return group;
}

function setUpParallel() {
  const section = byId("parallel");
  if (!section) return;
  parallel.axes = parallelAxes();
  if (CHARTED.length < 2 || parallel.axes.length < 2) {
    section.hidden = true;
    document.querySelector('a[href="#parallel"]').hidden = true;
    return;
  }
  parallel.settle = roving(byId("parallel-chart"), "g.thread");
  onChange("shown", drawParallel);
  onChange("typed", drawParallel); // which may mark an axis and take no run away
  onChange("colorBy", drawParallel);
  redrawnWithWidth(byId("parallel-chart"), drawParallel);
}
