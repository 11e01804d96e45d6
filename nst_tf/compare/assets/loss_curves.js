// Losses over steps or seconds, one line a run, linear or logarithmic.

const losses = { part: "loss", across: "step", log: true, shares: false };

// What the losses of a curve are divided by: 1, or its first value; undefined where that is asked for and not there.
const unitOf = (ys) => (losses.shares ? ys.find((y) => y !== null && y !== 0) : 1);

function curveOf(run) {
  const [xs, ys] = [run.curves[losses.across], run.curves[losses.part]];
  if (!xs || !ys) return [];
  const first = unitOf(ys);
  const points = [];
  ys.forEach((y, index) => {
    if (y === null || xs[index] === null || first === undefined || (losses.log && y / first <= 0)) return;
    points.push([xs[index], y / first]);
  });
  return points;
}

// Of an average, from one standard deviation below the mean to one above it: the points of a polygon.
function bandOf(run, across, down) {
  const [xs, ys, spread] = [run.curves[losses.across], run.curves[losses.part], run.curves[`±${losses.part}`]];
  if (!xs || !ys || !spread) return null;
  const first = unitOf(ys);
  const [above, below] = [[], []];
  ys.forEach((y, index) => {
    if (y === null || xs[index] === null || spread[index] === null || first === undefined) return;
    const [low, high] = [(y - spread[index]) / first, (y + spread[index]) / first];
    if (losses.log && low <= 0) return; // a logarithm has no place for it
    const x = across.place(xs[index]).toFixed(1);
    above.push(`${x},${down.place(high).toFixed(1)}`);
    below.unshift(`${x},${down.place(low).toFixed(1)}`);
  });
  return above.length > 1 ? [...above, ...below].join(" ") : null;
}

function drawLosses() {
  const figure = byId("loss-chart");
  const curves = shared.shown.map((run) => ({ run, points: curveOf(run) })).filter(({ points }) => points.length);
  const without = shared.shown.length - curves.length;
  byId("losses-hint").textContent = lossesHint(curves.map(({ run }) => run), without);
  if (!curves.length) {
    figure.replaceChildren(make("p", { class: "notice" }, "No losses were recorded here."));
    return;
  }
  const frame = chartFrame(figure, `${losses.part} by ${losses.across}`);
  const all = curves.flatMap(({ points }) => points);
  const across = scale(all.map(([x]) => x), MARGIN.left, frame.right, { pad: 0, wanted: frame.width / 110, whole: losses.across === "step" });
  const down = scale(all.map(([, y]) => y), frame.bottom, MARGIN.top, { log: losses.log });
  const downName = losses.shares ? `${losses.part}, share of its first value` : losses.part;
  drawAxes(frame, across, down, losses.across === "step" ? "step" : "seconds", downName);
  const colors = coloring(curves.map(({ run }) => run));
  for (const { run } of curves) {
    const band = bandOf(run, across, down);
    if (band) frame.svg.append(makeSvg("polygon", { class: "band", points: band, "aria-hidden": "true", css: { fill: colors.of(run) } }));
  }
  for (const { run, points } of curves) {
    const placed = points.map(([x, y]) => `${across.place(x).toFixed(1)},${down.place(y).toFixed(1)}`);
    const last = points[points.length - 1];
    const line = makeSvg("g", {
      class: "curve", tabindex: -1, role: "button",
      "aria-label": `${runText(run)}; ${points.length} points, last ${numberText(last[1])} at ${losses.across} ${numberText(last[0])}. Enlarge`,
      on: {
        click: () => openViewer(run),
        keydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); openViewer(run); } },
        focus: () => sayCurve(run, last),
      },
    },
    points.length > 1 ? makeSvg("polyline", { class: "line", points: placed.join(" "), css: { stroke: colors.of(run) } })
      : makeSvg("circle", { cx: placed[0].split(",")[0], cy: placed[0].split(",")[1], r: 3, class: "mark", css: { fill: colors.of(run) } }));
    line.dataset.run = run.index;
    line.addEventListener("focus", () => change("lit", run));
    line.addEventListener("blur", () => change("lit", null));
    frame.svg.append(line);
  }
  followPointer(frame, curves, across, down);
  figure.replaceChildren(frame.svg, make("p", { class: "readout", id: "losses-readout" }, "\u00a0"), RUNS.length > 1 ? legendList(colors.legend) : "");
  losses.settle();
}

function lossesHint(runs, without) {
  const changing = VARYING.filter((name) => /^(objective|layers|model|content|style|image)\b/.test(name) && valuesOf(name, runs).length > 1);
  const which = changing.length ? ` Here ${listText(changing.map(shortName))} changes it: look at the shape of curves, not at their height.` : "";
  return (HAS_AVERAGES ? "Means of several runs; a band reaches from one standard deviation below to one above. " : "")
    + "Losses of different objectives, weights, layers, pictures or sizes are different quantities: they can't be compared with each other; "
    + `the yardstick can.${which}${without ? ` ${without} ${without === 1 ? "run has" : "runs have"} no such loss.` : ""}`;
}

function sayCurve(run, [x, y]) {
  byId("losses-readout").textContent = `${runText(run)} — ${losses.across} ${numberText(x)}: ${numberText(y)}`;
}

// The nearest point of any curve is named, and its run lit up; a click on the plot enlarges that run.
function followPointer(frame, curves, across, down) {
  const placed = curves.map(({ run, points }) => ({ run, points: points.map((point) => [across.place(point[0]), down.place(point[1]), point]) }));
  const marker = makeSvg("circle", { r: 4, class: "marker", visibility: "hidden" });
  frame.svg.append(marker);
  frame.svg.addEventListener("pointermove", (event) => {
    const box = frame.svg.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) * frame.width / box.width, (event.clientY - box.top) * frame.height / box.height];
    let [best, least] = [null, Infinity];
    for (const { run, points } of placed) {
      for (const point of points) {
        const distance = (point[0] - x) ** 2 + (point[1] - y) ** 2;
        if (distance < least) [best, least] = [{ run, point }, distance];
      }
    }
    marker.setAttribute("cx", best.point[0]);
    marker.setAttribute("cy", best.point[1]);
    marker.setAttribute("visibility", "visible");
    sayCurve(best.run, best.point[2]);
    change("lit", best.run);
  });
  frame.svg.addEventListener("pointerleave", () => {
    marker.setAttribute("visibility", "hidden");
    change("lit", null);
  });
}

function setUpLosses() {
  const parts = [...new Set(RUNS.flatMap((run) => Object.keys(run.curves)))].filter((name) => name !== "step" && name !== "seconds" && !name.startsWith("±"));
  losses.settle = roving(byId("loss-chart"), ".curve");
  if (!parts.length) {
    byId("losses").hidden = true;
    const link = document.querySelector('a[href="#losses"]');
    if (link) link.hidden = true;
    return;
  }
  if (!parts.includes(losses.part)) [losses.part] = parts;
  const set = (name) => (value) => { losses[name] = value; drawLosses(); };
  byId("losses-controls").append(
    parts.length > 1 ? makeSelect("of", parts.map((part) => [part, part]), losses.part, set("part")) : "",
    makeChoice("Scale", [["log", "log"], ["linear", "linear"]], "log", (mode) => set("log")(mode === "log")),
    makeChoice("Against", [["step", "steps"], ["seconds", "seconds"]], losses.across, set("across")),
    makeChoice("Values", [["value", "values"], ["share", "share of first"]], "value", (mode) => set("shares")(mode === "share")),
    RUNS.length > 1 ? colorSelect() : "");
  onChange("shown", drawLosses);
  onChange("colorBy", drawLosses);
  redrawnWithWidth(byId("loss-chart"), drawLosses);
}
